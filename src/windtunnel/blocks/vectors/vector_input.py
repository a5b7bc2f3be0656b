"""What the vector blocks agree on: the metrics' names, and vectors as rows of float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from windtunnel.blocks.ground.numbers import floats, plain_array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

Metric = Literal["l2", "ip", "cosine"]
"""`l2`: squared Euclidean distance. `ip`: 1 minus the inner product. `cosine`: 1 minus the cosine."""

METRICS: tuple[Metric, ...] = ("l2", "ip", "cosine")
_LINE_FLOATS = 16
MOST_DIMENSIONS = 1 << 24
LONGEST = 9e18
"""Two vectors of this length, one behind the other, have a squared distance that float32 can hold."""


def check_metric(metric: str) -> Metric:
    """The metric, or `ValueError`."""
    for known in METRICS:
        if metric == known:
            return known
    raise ValueError(f"A metric is one of {', '.join(METRICS)}; got {metric!r}.")


def kernel_metric(metric: Metric) -> int:
    """The kernels' number of a metric; vectors are unit vectors where the cosine is asked for."""
    from windtunnel.blocks.vectors.kernels.distance import INNER, L2

    return L2 if metric == "l2" else INNER


def as_rows(vectors: ArrayLike, dim: int, metric: Metric) -> NDArray[np.float32]:
    """`vectors` (n, dim) or Arrow fixed-size lists as new float32 rows, padded to whole cache lines.

    Under `cosine` each row is scaled to length 1. Raises `ValueError` on another shape, on numbers that are not
    finite and, under `cosine`, on a vector of zeros, which has no direction.
    """
    import numpy as np

    values: Any = vectors
    if hasattr(values, "null_count"):
        values = _of_lists(values, dim)
    given = plain_array(values, "Vectors")
    if given.dtype.kind == "O":
        given = floats(given, "Vectors")
    if given.size and given.dtype.kind not in "fiub":
        raise ValueError(f"Vectors are of numbers, not of {given.dtype}.")
    if given.ndim != 2 or given.shape[1] != dim:
        raise ValueError(f"Vectors must have the shape (n, {dim}); got {given.shape}.")
    if not np.isfinite(given).all():
        raise ValueError("Vectors must be finite: no inf, no nan.")
    if metric == "cosine":  # in 64 bits, and by the largest number first, so that no length is too long or too short
        wide = given.astype(np.float64)
        largest = np.abs(wide).max(axis=1, initial=0.0)
        if not largest.all():
            raise ValueError("A vector of zeros has no direction: the cosine is not defined for it.")
        wide /= largest[:, None]
        given = wide / np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, None]
    elif given.size and _longest(given.astype(np.float64)) > LONGEST:
        raise ValueError(f"Vectors are at most {LONGEST:g} long: distances of longer ones are no numbers of 32 bits.")
    rows = np.zeros((len(given), padded(dim)), np.float32)
    rows[:, :dim] = given
    rows += np.float32(0)  # no minus zero: equal vectors have equal bytes
    return rows


def _longest(rows: NDArray[np.float64]) -> float:
    """The length of the longest vector, or of its longest number if a square of that is beyond floats."""
    import numpy as np

    largest = float(np.abs(rows).max())
    return largest if largest > LONGEST else float(np.sqrt(np.einsum("ij,ij->i", rows, rows).max()))


def one_row(vector: Any) -> Any:
    """One vector as a batch of one."""
    return plain_array(vector, "A vector's numbers")[None]


def _of_lists(column: Any, dim: int) -> Any:
    """Arrow lists, whose numbers lie in one buffer; `ValueError` for nulls, and unless each has `dim` numbers."""
    import numpy as np

    if hasattr(column, "combine_chunks"):
        column = column.combine_chunks()
    if hasattr(column, "chunks"):  # of no chunks, or of more than fit in one
        return np.concatenate([np.zeros((0, dim)), *(_of_lists(chunk, dim) for chunk in column.chunks)])
    if column.null_count or not hasattr(column, "flatten"):
        raise ValueError(f"Vectors are a column of lists without nulls; this one is of {column.type}.")
    sizes = np.asarray(column.value_lengths()) if hasattr(column, "value_lengths") else None
    numbers = column.flatten()
    if (sizes is not None and (sizes != dim).any()) or len(numbers) != len(column) * dim:
        raise ValueError(f"Vectors must have {dim} numbers each; those of this column do not.")
    return plain_array(numbers, "The numbers of vectors").reshape(len(column), dim)


def as_keys(keys: ArrayLike) -> NDArray[np.int64]:
    """Keys as a flat int64 array; `ValueError` for floats, negative keys and other shapes."""
    import numpy as np

    given = plain_array(keys, "Keys")
    if given.size == 0:
        return np.empty(0, np.int64)
    if given.ndim != 1 or given.dtype.kind not in "iu":
        raise ValueError(f"Keys must be a flat array of integers; got {given.dtype} of shape {given.shape}.")
    if given.min() < 0 or given.max() > 2**63 - 1:
        raise ValueError("Keys must lie in 0 .. 2**63 - 1; -1 stands for 'none' in results.")
    return given.astype(np.int64)


def next_keys(start: int, count: int) -> NDArray[np.int64]:
    """The keys `start` to `start + count - 1`; `ValueError` where there are not so many."""
    import numpy as np

    if start + count > 2**63:
        raise ValueError(f"There are no {count} keys behind {start - 1}: keys must lie in 0 .. 2**63 - 1.")
    return np.arange(start, start + count, dtype=np.int64)


def padded(dim: int) -> int:
    """`dim` rounded up to whole cache lines of float32."""
    return -(-dim // _LINE_FLOATS) * _LINE_FLOATS
