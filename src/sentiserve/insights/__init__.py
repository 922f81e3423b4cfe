"""What the stored predictions tell when taken together."""
