"""A log of records that are read by their place."""
