"""X, by its API."""
