"""A walk along links that somebody has made: the search of HNSW's lowest layer (Malkov and Yashunin, arXiv 1603.09320,
Algorithm 2) for any graph of vectors, from as many beginnings as one likes.

`PlainHNSW.search_level` is the text to read; `kernels.hnsw` says the same at the speed of C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.blocks.ground.numbers import plain_array, whole
from windtunnel.blocks.vectors.vector_input import as_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def walk_links(
    vectors: ArrayLike,
    links: ArrayLike,
    queries: ArrayLike,
    starts: ArrayLike,
    ef: int,
    *,
    hidden: ArrayLike | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32], int]:
    """Follow the links of the nearest that were not followed yet, until those of the best `ef` all were.

    Args:
        vectors: (n, dim).
        links: (n, most), numbers of vectors; a negative number is none.
        queries: (m, dim).
        starts: (m, some), where each walk begins: numbers of vectors.
        hidden: (n,), of those that lead on, and are neither kept nor found; nobody by default.

    Returns:
        The vectors kept, (m, ef), nearest first, and their squared distances; -1 and inf where there are fewer. And
        how many distances were measured.

    Raises:
        ValueError: shapes do not fit, or a number is that of no vector.
    """
    import numpy as np

    from windtunnel.blocks.vectors.kernels.distance import L2
    from windtunnel.blocks.vectors.kernels.hnsw import EVALUATIONS, Graph, search_links

    ef = whole(ef, "ef", 1)
    dim = plain_array(queries, "Queries").shape[-1]
    rows, asked = as_rows(vectors, dim, "l2"), as_rows(queries, dim, "l2")
    near, begins = _numbers(links, "Links", len(rows), len(rows)), _numbers(starts, "Starts", len(asked), len(rows))
    if begins.size and begins.min() < 0:
        raise ValueError("Starts are numbers of vectors; one of these is negative.")
    there = near >= 0
    kept = np.take_along_axis(near, np.argsort(~there, axis=1, kind="stable"), 1)
    behind = np.zeros(len(rows), np.bool_) if hidden is None else np.require(plain_array(hidden, "Hidden"), np.bool_)
    if behind.shape != (len(rows),):
        raise ValueError(f"Hidden must say of each of {len(rows)} vectors whether it is; got {behind.shape}.")
    graph = Graph(
        vectors=rows,
        links=kept.astype(np.int32),
        counts=there.sum(axis=1).astype(np.int32),
        levels=np.zeros(0, np.int32),
        first_upper=np.zeros(0, np.int64),
        upper_links=np.zeros((0, 1), np.int32),
        upper_counts=np.zeros(0, np.int32),
        seen=np.zeros(len(rows), np.uint32),
        state=np.array([-1, 0, 0, 0], np.int64),
        metric=L2,
    )
    nodes, distances = np.full((len(asked), ef), -1), np.full((len(asked), ef), np.inf, np.float32)
    search_links(graph, asked, begins, ef, behind, nodes, distances)
    return nodes, distances, int(graph.state[EVALUATIONS])


def _numbers(given: ArrayLike, name: str, rows: int, vectors: int) -> NDArray[np.int64]:
    """Whole numbers below that of the vectors, a row for each; raises `ValueError`."""
    import numpy as np

    found = plain_array(given, name)
    if found.ndim != 2 or len(found) != rows or found.dtype.kind not in "iu":
        raise ValueError(f"{name} must be whole numbers in {rows} rows; got {found.dtype} of {found.shape}.")
    if found.size and found.max() >= vectors:
        raise ValueError(f"{name} must be below {vectors}, the number of vectors; got {found.max()}.")
    return np.require(found.astype(np.int64), requirements=["C", "W"])
