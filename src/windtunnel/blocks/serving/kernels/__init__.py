"""Kernels of the serving family: one pass of a language model, at the speed of C."""
