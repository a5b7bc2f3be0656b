"""Isolation of transactions, judged by the cycles of their dependencies, in the manner of Elle."""
