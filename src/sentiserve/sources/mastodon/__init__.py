"""Mastodon: the servers that may be asked, and how they are asked safely."""
