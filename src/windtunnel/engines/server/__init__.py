"""A server that can be overloaded, stalled and killed."""
