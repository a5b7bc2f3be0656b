"""Functions of many numbers that do not ask which processor it is; the exponential is the same to the last bit.

NumPy takes another algorithm where a processor has AVX-512, and the last bit of one result in a few differs: the same
seed gave another digest there. What IEEE 754 prescribes to the bit (sums, products, roundings, powers of two) does not
differ; this is made of nothing else. The method is Tang's (P. T. P. Tang, "Table-driven implementation of the
exponential function in IEEE floating-point arithmetic", ACM TOMS 15, 1989): e^x = 2^(k/64) e^r, with |r| < 0.0055.

`each`, and whatever asks `math` or `random` for logarithms, powers and angles, promises less: that the last bit is the
same wherever the library of C is the same, and the processor has fused multiply-add or has not, as there. glibc has a
text for either; those of musl, macOS and Windows are others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEPS = 64
AT_ONCE = 1 << 14
"""Numbers that are worked on together: what stands between stays in the second cache."""


@cache
def _constants() -> tuple[float, float, float, NDArray[Any]]:
    """64 / ln 2; ln 2 / 64 in two parts, of which the first times any k has no rounding; and 2^(j/64) for each j.

    By the decimal module, whose arithmetic is the same everywhere; the program's own context has no part in it.
    """
    from decimal import ROUND_HALF_EVEN, Context, Decimal

    import numpy as np

    digits = Context(prec=50, rounding=ROUND_HALF_EVEN, traps=[])
    step = digits.divide(digits.ln(Decimal(2)), Decimal(STEPS))
    high = int(digits.multiply(step, Decimal(2**42))) / 2**42  # 36 bits, and k has 17
    powers = [float(digits.exp(digits.multiply(step, Decimal(j)))) for j in range(STEPS)]
    low = digits.subtract(step, Decimal(high))
    return float(digits.divide(Decimal(1), step)), high, float(low), np.array(powers)


def exp(x: NDArray[Any]) -> NDArray[Any]:
    """e to the power of each, float64 of any shape; within 1 unit in the last place. Of NaN it is NaN.

    Above 709.78 it is infinite, and below -745.13 it is 0.
    """
    import numpy as np

    each, high, low, powers = _constants()
    flat = np.ascontiguousarray(x, np.float64).reshape(-1)
    found = np.empty_like(flat)
    with np.errstate(over="ignore", under="ignore"):
        for start in range(0, len(flat), AT_ONCE):
            given = np.clip(flat[start : start + AT_ONCE], -746.0, 710.0)
            steps = np.rint(given * each)
            r = (given - steps * high) - steps * low
            rest = r + r * r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120))))
            whole, part = np.divmod(np.nan_to_num(steps).astype(np.int64), STEPS)
            power = powers[part]
            # Two powers of two, for one may be less than the least number: only the second product is rounded.
            half = whole >> 1
            found[start : start + AT_ONCE] = (power + power * rest) * _two_to(half) * _two_to(whole - half)
    return found.reshape(np.shape(x))


def _two_to(k: NDArray[Any]) -> NDArray[Any]:
    """2 to the power of each, from -1022 to 1023, by its bits: not every library's `ldexp` rounds what is tiny."""
    import numpy as np

    return ((k + 1023) << 52).view(np.float64)


def each(of: Callable[[float], float], x: NDArray[Any]) -> NDArray[Any]:
    """A function of `math` of each, float64 of the same shape: the library of C asks nobody how many there are.

    NumPy's own take another algorithm for eight at once. Which one the library takes is its affair; see above.
    """
    import numpy as np

    return np.array([of(one) for one in x.reshape(-1).tolist()], np.float64).reshape(x.shape)
