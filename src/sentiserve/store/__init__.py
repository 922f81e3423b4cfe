"""Where predictions are kept: one file for each backend."""
