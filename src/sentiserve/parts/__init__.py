"""Each part of the service by itself, as the settings name it."""
