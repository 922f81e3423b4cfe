"""Services beside ours, each for an environment of its own; they know nothing of sentiserve."""
