"""Compiled kernels of the queueing systems."""
