"""What the vector blocks agree on: the metrics' names, and vectors as rows of float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

Metric = Literal["l2", "ip", "cosine"]
"""`l2`: squared Euclidean distance. `ip`: 1 minus the inner product. `cosine`: 1 minus the cosine."""

METRICS: tuple[Metric, ...] = ("l2", "ip", "cosine")
_LINE_FLOATS = 16


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
    if hasattr(values, "combine_chunks"):  # an Arrow column
        values = values.combine_chunks()
    if hasattr(values, "flatten") and not hasattr(values, "reshape"):  # Arrow lists, whose floats lie in one buffer
        values = np.asarray(values.flatten()).reshape(len(values), -1)
    given = np.asarray(values, np.float32)
    if given.ndim != 2 or given.shape[1] != dim:
        raise ValueError(f"Vectors must have the shape (n, {dim}); got {given.shape}.")
    rows = np.zeros((len(given), padded(dim)), np.float32)
    rows[:, :dim] = given
    if not np.isfinite(given).all():
        raise ValueError("Vectors must be finite: no inf, no nan.")
    if metric == "cosine":
        length = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
        if not length.all():
            raise ValueError("A vector of zeros has no direction: the cosine is not defined for it.")
        rows /= length[:, None].astype(np.float32)
    return rows


def as_keys(keys: ArrayLike) -> NDArray[np.int64]:
    """Keys as a flat int64 array; `ValueError` for floats, negative keys and other shapes."""
    import numpy as np

    given = np.asarray(keys)
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
