"""Benchmarks against the best peers, measured side by side in one run: `make bench` or `python -m bench [GROUP ...]`."""
