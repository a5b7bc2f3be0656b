"""Functions of many numbers that do not ask which processor it is; the exponential is the same to the last bit.

NumPy takes another algorithm where a processor has AVX-512, and the last bit of one result in a few differs: the same
seed gave another digest there. What IEEE 754 prescribes to the bit (sums, products, roundings, powers of two) does not
differ; this is made of nothing else. The method is Tang's (P. T. P. Tang, "Table-driven implementation of the
exponential function in IEEE floating-point arithmetic", ACM TOMS 15, 1989): e^x = 2^(k/64) e^r, with |r| < 0.0055.
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

    By the decimal module, whose arithmetic is the same everywhere.
    """
    from decimal import Context, Decimal

    import numpy as np

    digits = Context(prec=50)
    step = digits.divide(digits.ln(Decimal(2)), Decimal(STEPS))
    high = int(step * 2**42) / 2**42  # 36 bits, and k has 17
    powers = [float(digits.exp(step * j)) for j in range(STEPS)]
    return float(digits.divide(Decimal(1), step)), high, float(step - Decimal(high)), np.array(powers)


def exp(x: NDArray[Any]) -> NDArray[Any]:
    """e to the power of each, float64 of any shape; within 1 unit in the last place. NaN is not asked for.

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
            whole, part = np.divmod(steps.astype(np.int64), STEPS)
            power = powers[part]
            found[start : start + AT_ONCE] = np.ldexp(power + power * rest, whole)
    return found.reshape(np.shape(x))


def each(of: Callable[[float], float], x: NDArray[Any]) -> NDArray[Any]:
    """A function of `math` of each, float64 of the same shape: the library of C takes one algorithm for all."""
    import numpy as np

    return np.array([of(one) for one in x.reshape(-1).tolist()], np.float64).reshape(x.shape)
