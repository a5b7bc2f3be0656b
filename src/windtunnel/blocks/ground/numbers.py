"""Numbers that callers give: turned into plain ones of Python or rows of float64, or refused with a sentence.

NumPy's scalars wrap where Python's numbers grow, and JSON does not take them; so what a block keeps is plain. A masked
value, a null or a text is no number, and must not be counted as one.
"""

from __future__ import annotations

from math import inf, isfinite
from numbers import Complex, Real
from operator import index
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = (1 << 63) - 1
"""What an integer of 64 bits with sign holds: the most that anything here counts to."""


def whole(value: Any, name: str, least: int = 0, most: int = MOST) -> int:
    """`value` as a plain integer; raises `ValueError` unless it is one and lies from `least` to `most`."""
    try:
        number = int(index(value))
    except TypeError:
        raise ValueError(f"{name} is a whole number, not {value!r}.") from None
    if not least <= number <= most:
        bounds = f"{least} to {most}" if most < MOST else f"at least {least}" if number < least else f"at most {most}"
        raise ValueError(f"{name} is {bounds}, not {number}.")
    return number


def number(value: Any, name: str, least: float = -inf, *, above: float = -inf, finite: bool = True) -> float:
    """`value` as a plain float; raises `ValueError` unless it is a number, at least `least` and more than `above`.

    NaN is no number; an infinity is one unless `finite`.
    """
    if type(value) is not float and type(value) is not int and not _is_real(value):
        raise ValueError(f"{name} is a number, not {value!r}.")
    try:
        found = float(value)
    except (OverflowError, TypeError, ValueError):
        raise ValueError(f"{name} is a number that a float can hold, not {value!r}.") from None
    if found != found or (finite and not isfinite(found)):
        raise ValueError(f"{name} is a {'finite ' if finite else ''}number, not {'NaN' if found != found else found}.")
    if found < least:
        raise ValueError(f"{name} is at least {least:g}, not {found:g}.")
    if found <= above:
        if above == -inf:  # minus infinity itself, where infinities are allowed
            return found
        raise ValueError(f"{name} is above {above:g}, not {found:g}.")
    return found


def _is_real(value: Any) -> bool:
    """Whether this is one real number; a text is none, though it could be read as one."""
    if isinstance(value, str | bytes | bytearray) or (isinstance(value, Complex) and not isinstance(value, Real)):
        return False
    return not getattr(value, "shape", ()) and (hasattr(value, "__float__") or hasattr(value, "__index__"))


def plain_array(values: Any, name: str) -> NDArray[Any]:
    """An array of whatever is given, flat or not: Arrow columns, masked arrays, lists.

    Raises `ValueError` for nulls, masked values and rows of different lengths.
    """
    import numpy as np

    if getattr(values, "null_count", 0):
        raise ValueError(f"{name} have {values.null_count} nulls, which are no values: drop them first.")
    if hasattr(values, "null_count") and hasattr(values, "to_numpy"):
        values = values.to_numpy() if hasattr(values, "chunks") else values.to_numpy(zero_copy_only=False)
    if isinstance(values, np.ma.MaskedArray):
        if np.ma.is_masked(values):
            raise ValueError(f"{name} have masked values, which are no values: drop them first.")
        values = values.data
    if not hasattr(values, "__array__") and not hasattr(values, "__len__"):
        if not hasattr(values, "__iter__"):
            raise ValueError(f"{name} are a list or an array, not {type(values).__name__}.")
        values = list(values)
    if isinstance(values, set | frozenset | dict):
        values = list(values)
    try:
        return np.asarray(values)
    except (ValueError, TypeError):
        raise ValueError(f"{name} are a list or an array of one shape; these have rows of different lengths.") from None


def floats(values: Any, name: str) -> NDArray[np.float64]:
    """Real numbers as float64, contiguous and writable, in the shape that they have; infinities and NaN included.

    Raises `ValueError` for what `plain_array` refuses, and for texts, complex numbers, dates and objects.
    """
    import numpy as np

    given = plain_array(values, name)
    if given.dtype.kind == "O":
        flat = [one if one != one else number(one, f"Each of the {name.lower()}", finite=False) for one in given.flat]
        given = np.array(flat, np.float64).reshape(given.shape)
    if given.size and given.dtype.kind not in "fiub":
        raise ValueError(f"{name} are numbers, not {given.dtype}.")
    return np.require(given, np.float64, ["C", "W"])
