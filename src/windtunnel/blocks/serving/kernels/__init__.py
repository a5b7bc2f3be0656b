"""Kernels of the serving family: one pass of a language model, at the speed of C."""

EXACT = {"contract", "nsz"}
"""A product and its sum are one instruction wherever a processor has it, and nothing is taken in another order."""
FAST = {"contract", "nsz", "reassoc", "arcp"}
"""Sums of a row are taken in the order that is fastest; infinities and NaN stay what they are."""
