"""The questions that interviews ask."""
