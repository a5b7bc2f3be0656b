"""Kernels of the recommend family: each says the same as the text in NumPy beside its block, at the speed of C."""
