"""Kernels of the broker family: each says the same as the plain Python beside its block, at the speed of C."""
