"""Records on this machine's disk until the store and the history have them."""
