"""Bluesky: its public API, and its stream of new posts."""
