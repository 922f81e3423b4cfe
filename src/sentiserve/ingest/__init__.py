"""Reading posts in sequence: what is read, where it was left, and what becomes of it."""
