"""Benchmarks against the best peers, measured side by side in one run: `make bench`, `python -m bench [GROUP ...]`."""
