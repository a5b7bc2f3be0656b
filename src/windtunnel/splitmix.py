"""SplitMix64's finalizer: 64 bits in, 64 well-mixed bits out (Steele, Lea and Flood, OOPSLA 2014).

One text for three readers: Python's integers, arrays of NumPy's uint64, and Numba, which compiles this very function.
"""

from __future__ import annotations

from typing import Any, Final

MASK: Final = (1 << 64) - 1
GOLDEN: Final = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio: the step between two states."""


def mix(z: Any) -> Any:
    """The number that belongs to a state."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return z ^ (z >> 31)
