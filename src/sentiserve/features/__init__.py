"""Feature views, defined once and used online and offline."""
