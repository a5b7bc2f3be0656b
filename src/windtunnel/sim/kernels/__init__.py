"""Compiled queueing networks: the same numbers as the event simulator, a hundred times as fast."""
