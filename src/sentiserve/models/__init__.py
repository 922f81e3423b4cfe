"""Bundles, the engines that run them, and the making of new ones."""
