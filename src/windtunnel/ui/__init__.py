"""Readers of the catalogue and of results."""
