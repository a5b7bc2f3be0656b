"""A walk along links, for many queries at once: each takes a step of its own in every round.

The text to read, and what tells the path; `Space.walk` is the same walk at the speed of C.
"""

from __future__ import annotations

from typing import Protocol

from windtunnel.catalogue.ai.hnsw.world import Array

FOLLOWED = 1


class Measures(Protocol):
    """What tells how far items are from queries."""

    def far(self, queries: Array, keys: Array) -> Array: ...


class Links(Protocol):
    """Rows of keys by key, (keys, most); -1 where there are fewer."""

    def __len__(self) -> int: ...
    def __getitem__(self, keys: Array, /) -> Array: ...


Path = list[tuple[int, int]]
"""After each step: how many distances were measured so far, and the least of them."""
NODE_BITS = 20
NOTHING = (1 << 62) | FOLLOWED
"""Stands where the pool has a place left, behind all that was found."""


def walk(space: Measures, links: Links, queries: Array, starts: Array, ef: int) -> tuple[Array, Path]:
    """From the `starts` of each query follow the links of the nearest whose links were not followed, keep the `ef`
    nearest of all that were measured, and stop when the links of all those were followed (HNSW's Algorithm 2).

    Args:
        links: (keys, most), by key; -1 where there are fewer.
        starts: (queries, some), by query.

    Returns:
        The keys kept, (queries, ef), nearest first, -1 where there are fewer; and the path of the first query.
    """
    import numpy as np

    many = len(queries)
    pool = np.full((many, ef), NOTHING)
    seen = np.zeros((many, len(links) + 1), bool)
    seen[:, -1] = True  # what -1 is
    rows, new = np.arange(many), starts
    path: Path = []
    measured = 0
    while True:
        fresh = ~seen[rows[:, None], new] & (new >= 0)
        who, which = fresh.nonzero()
        keys = new[who, which]
        seen[rows[who], keys] = True
        found = np.full(new.shape, NOTHING)
        found[who, which] = space.far(queries[rows[who]], keys) << (NODE_BITS + 1) | keys << 1
        pool[rows] = np.sort(np.concatenate([pool[rows], found], axis=1), axis=1)[:, :ef]
        if len(rows) and rows[0] == 0:
            measured += int((who == 0).sum())
            path.append((measured, int(pool[0, 0]) >> (NODE_BITS + 1)))
        waiting = (pool & FOLLOWED) == 0
        rows = waiting.any(axis=1).nonzero()[0]
        if not len(rows):
            kept = (pool >> 1) & ((1 << NODE_BITS) - 1)
            return np.where(pool >= NOTHING, -1, kept), path
        at = waiting[rows].argmax(axis=1)
        new = links[(pool[rows, at] >> 1) & ((1 << NODE_BITS) - 1)]
        pool[rows, at] |= FOLLOWED


def unlinked(items: int, most: int) -> Array:
    """Links of so many keys, none yet."""
    import numpy as np

    return np.full((items, most), -1)


def table(links: list[list[int]]) -> Array:
    """Links as rows of one width, -1 where there are fewer."""
    import numpy as np

    most = max(map(len, links), default=0)
    return np.array([(own + [-1] * most)[:most] for own in links], np.int64).reshape(len(links), most)
