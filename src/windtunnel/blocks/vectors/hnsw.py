"""A vector index: the nearest of a million vectors after measuring some thousand distances.

Hierarchical Navigable Small World graphs (Malkov and Yashunin, TPAMI 2018, arXiv 1603.09320); `hnsw_reference` tells
the idea and says it in plain Python, `kernels.hnsw` says the same at the speed of C.

What it trades: answers are approximate. `ef`, the candidates a search keeps, buys recall with time; `m`, the links
of a node, and `ef_construction`, the candidates of an insertion, buy a better graph with memory and build time. A
node costs 4 bytes for each dimension and about 10 for each of `m`.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from windtunnel.blocks.ground.array_file import seal_arrays, unseal_arrays, write_file
from windtunnel.blocks.vectors.vector_input import (
    METRICS,
    as_keys,
    as_rows,
    check_metric,
    kernel_metric,
    next_keys,
    padded,
)
from windtunnel.splitmix import GOLDEN, MASK, mix

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from windtunnel.blocks.vectors.kernels.hnsw import Graph

_KIND = "HNSW index"
_VERSION = 1
_MOST_NODES = 2**31 - 1
_DEAD_SHARE = 0.25
"""Deleted vectors still cost a search its steps; beyond this share of all the index heals itself."""


class HNSW:
    """Approximate nearest neighbours of vectors under integer keys.

    The same calls with the same `seed` make the same graph on one machine. Not for several threads at once: even a
    search leaves marks. Calls compute without pause; in asyncio code give large batches to a thread.
    """

    def __init__(self, dim: int, metric: str = "l2", *, m: int = 16, ef_construction: int = 200, seed: int = 0) -> None:
        """An empty index for vectors of `dim` numbers; `metric` is `l2`, `ip` or `cosine`.

        Raises `ValueError` for less than 1 dimension, `m` outside of 2 to 256 or `ef_construction` below `m`.
        """
        if dim < 1:
            raise ValueError(f"A vector has at least 1 dimension; got {dim}.")
        if not 2 <= m <= 256:
            raise ValueError(f"m, the links of a node, lies in 2 .. 256; got {m}.")
        if ef_construction < m:
            raise ValueError(f"ef_construction must be at least m = {m}; got {ef_construction}.")
        from windtunnel.blocks.vectors.kernels.hnsw import empty_graph

        self.dim = dim
        self.metric = check_metric(metric)
        self.m = m
        self.ef_construction = ef_construction
        self.seed = seed
        self._inserted = 0
        self._reset(empty_graph(0, 0, padded(dim), m, kernel_metric(self.metric)))

    def _reset(self, graph: Graph) -> None:
        """Start from a graph of no nodes."""
        import numpy as np

        self._graph = graph
        self._nodes = 0
        self._upper_rows = 0
        self._keys = np.empty(0, np.int64)
        self._dead = np.zeros(0, np.bool_)
        self._deleted = 0
        self._node_of: dict[int, int] = {}
        self._largest: int | None = None

    def __len__(self) -> int:
        return len(self._node_of)

    def __contains__(self, key: int) -> bool:
        return key in self._node_of

    @property
    def distances_measured(self) -> int:
        """Distances computed so far, in insertions and searches: the cost that no machine's speed changes."""
        from windtunnel.blocks.vectors.kernels.hnsw import EVALUATIONS

        return int(self._graph.state[EVALUATIONS])

    def add(self, vectors: ArrayLike, keys: ArrayLike | None = None) -> NDArray[np.int64]:
        """Insert rows of `vectors` (n, dim) under `keys` (n,), by default the next free integers; returns the keys.

        Raises `ValueError`, and inserts nothing, if a key is in use or given twice, or vectors are malformed.
        """
        import numpy as np

        from windtunnel.blocks.vectors.kernels.hnsw import insert

        rows = as_rows(vectors, self.dim, self.metric)
        start = self._next_key()
        new = next_keys(start, len(rows)) if keys is None else as_keys(keys)
        if len(new) != len(rows):
            raise ValueError(f"There are {len(rows)} vectors and {len(new)} keys.")
        listed = new.tolist()
        if len(set(listed)) < len(listed) or not self._node_of.keys().isdisjoint(listed):
            raise ValueError("A key is given twice or already in the index; delete it first.")
        first, last = self._nodes, self._nodes + len(rows)
        if last > _MOST_NODES:
            raise ValueError(f"An index holds at most {_MOST_NODES} vectors.")
        levels = draw_levels(self.seed, self._inserted, len(rows), self.m)
        above = np.cumsum(levels, dtype=np.int64)
        rows_above = int(above[-1]) if len(above) else 0
        self._reserve(last, self._upper_rows + rows_above)
        graph = self._graph
        graph.vectors[first:last] = rows
        graph.levels[first:last] = levels
        graph.first_upper[first:last] = self._upper_rows + above - levels
        insert(graph, first, last, self.ef_construction)
        self._nodes = last
        self._upper_rows += rows_above
        self._inserted += len(rows)
        self._keys[first:last] = new
        self._dead[first:last] = False
        self._node_of.update(zip(listed, range(first, last), strict=True))
        self._largest = max(start - 1, max(listed, default=-1))
        return new

    def _next_key(self) -> int:
        """One more than the largest key in the index, which is looked for only after it was deleted."""
        if self._largest is None:
            self._largest = max(self._node_of, default=-1)
        return self._largest + 1

    def search(
        self, queries: ArrayLike, k: int = 10, *, ef: int | None = None, allowed: ArrayLike | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The `k` nearest keys of each query (n, dim) and their distances, both (n, k), nearest first.

        `ef`, at least `k`, is the number of candidates kept (default: 50 or twice `k`, the larger). With
        `allowed` only these keys are found: by a walk in which the others only lead on, or, where that would cost
        more, by measuring all that are allowed. Where fewer than `k` are found, keys are -1 and distances inf.
        """
        import numpy as np

        from windtunnel.blocks.vectors.kernels import brute_force, hnsw

        if k < 1:
            raise ValueError(f"k must be at least 1; got {k}.")
        ef = max(50, 2 * k) if ef is None else ef
        if ef < k:
            raise ValueError(f"ef must be at least k = {k}; got {ef}.")
        rows = as_rows(queries, self.dim, self.metric)
        nodes = np.full((len(rows), k), -1, np.int64)
        distances = np.full((len(rows), k), np.inf, np.float32)
        if not self._node_of:
            return nodes, distances
        if allowed is None and not self._deleted:
            hnsw.search(self._graph, rows, ef, nodes, distances)
        else:
            hidden = self._dead[: self._nodes]
            if allowed is not None:
                hidden = np.ones(self._nodes, np.bool_)
                hidden[[self._node_of[key] for key in as_keys(allowed).tolist() if key in self._node_of]] = False
            visible = np.flatnonzero(~hidden)
            # A walk measures about 2 m distances for each node it keeps or hides, until ef are kept.
            walk = 2 * self.m * ef * self._nodes / max(1, len(visible))
            if allowed is not None and len(visible) < walk:
                brute_force.search_rows(self._graph.metric, self._graph.vectors, visible, rows, nodes, distances)
                self._graph.state[hnsw.EVALUATIONS] += len(rows) * len(visible)
            else:
                hnsw.search_among(self._graph, rows, ef, hidden, nodes, distances)
        found = nodes >= 0
        nodes[found] = self._keys[nodes[found]]
        return nodes, distances

    def nearest(self, vector: ArrayLike, k: int = 10, *, ef: int | None = None) -> list[tuple[int, float]]:
        """The `k` nearest of one vector as (key, distance), nearest first."""
        import numpy as np

        keys, distances = self.search(np.asarray(vector, np.float32)[None, :], k, ef=ef)
        return [(key, far) for key, far in zip(keys[0].tolist(), distances[0].tolist(), strict=True) if key >= 0]

    def delete(self, keys: ArrayLike) -> None:
        """Remove these keys; raises `KeyError`, and removes nothing, if one is not in the index.

        Their vectors only lead searches on from now; when they are a quarter of all, `compact` drops them.
        """
        gone = as_keys(keys).tolist()
        for key in gone:
            if key not in self._node_of:
                raise KeyError(key)
        for key in gone:
            node = self._node_of.pop(key, None)
            if node is not None:
                self._dead[node] = True
                self._deleted += 1
                if key == self._largest:
                    self._largest = None
        if self._deleted > _DEAD_SHARE * self._nodes:
            self.compact()

    def compact(self) -> None:
        """Link around what was deleted (FreshDiskANN's way, see `kernels.hnsw.heal`) and give its memory back."""
        import numpy as np

        from windtunnel.blocks.vectors.kernels.hnsw import ENTRY, EVALUATIONS, TOP, empty_graph, heal

        if not self._deleted:
            return
        old = self._graph
        if not self._node_of:
            empty = empty_graph(0, 0, padded(self.dim), self.m, old.metric)
            empty.state[EVALUATIONS] = old.state[EVALUATIONS]
            self._reset(empty)
            return
        heal(old, self._nodes, self._dead)
        live = np.flatnonzero(~self._dead[: self._nodes])
        number = np.full(self._nodes, -1, np.int64)
        number[live] = np.arange(len(live))
        levels = old.levels[live]
        offsets = np.cumsum(levels, dtype=np.int64) - levels
        upper = np.repeat(old.first_upper[live] - offsets, levels) + np.arange(levels.sum())
        graph = empty_graph(len(live), len(upper), padded(self.dim), self.m, old.metric)
        graph.vectors[:] = old.vectors[live]
        graph.levels[:] = levels
        graph.first_upper[:] = offsets
        graph.counts[:] = old.counts[live]
        graph.links[:] = number[old.links[live]]  # beyond a row's count stands what nobody reads
        graph.upper_counts[:] = old.upper_counts[upper]
        graph.upper_links[:] = number[old.upper_links[upper]]
        graph.state[:] = old.state
        if self._dead[old.state[ENTRY]]:
            graph.state[ENTRY] = int(np.argmax(levels))
            graph.state[TOP] = int(levels.max())
        else:
            graph.state[ENTRY] = number[old.state[ENTRY]]
        keys = self._keys[live]
        self._reset(graph)
        self._nodes, self._upper_rows, self._keys = len(live), len(upper), keys
        self._dead = np.zeros(len(live), np.bool_)
        self._node_of = dict(zip(keys.tolist(), range(len(live)), strict=True))

    def links(self, key: int, level: int = 0) -> list[int]:
        """The neighbours of a key on a level, deleted ones included; empty above its own. `KeyError` if absent."""
        node = self._node_of[key]
        if level > self._graph.levels[node]:
            return []
        table, counts, row = self._graph.links, self._graph.counts, node
        if level:
            table, counts = self._graph.upper_links, self._graph.upper_counts
            row = int(self._graph.first_upper[node]) + level - 1
        return [int(key) for key in self._keys[table[row, : counts[row]]]]

    def to_bytes(self) -> bytes:
        """The index, whole, with version and checksum; deleted vectors are dropped first."""
        from windtunnel.blocks.vectors.kernels.hnsw import TOP

        self.compact()
        settings = {
            "dim": self.dim,
            "metric": METRICS.index(self.metric),
            "m": self.m,
            "ef_construction": self.ef_construction,
            "seed": self.seed,
            "inserted": self._inserted,
        }
        graph, n = self._graph, self._nodes
        arrays: dict[str, NDArray[Any]] = {
            "keys": self._keys[:n],
            "vectors": graph.vectors[:n, : self.dim],
            "links": graph.links[:n],
            "counts": graph.counts[:n],
            "levels": graph.levels[:n],
            "upper_links": graph.upper_links[: self._upper_rows],
            "upper_counts": graph.upper_counts[: self._upper_rows],
            "entry": graph.state[: TOP + 1],
        }
        return seal_arrays(_KIND, _VERSION, settings, arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The index that `to_bytes` saved. Raises `envelope.DamagedError` for anything else."""
        import numpy as np

        from windtunnel.blocks.vectors.kernels.hnsw import TOP

        settings, arrays = unseal_arrays(_KIND, _VERSION, data)
        index = cls(
            settings["dim"],
            METRICS[settings["metric"]],
            m=settings["m"],
            ef_construction=settings["ef_construction"],
            seed=settings["seed"],
        )
        index._inserted = settings["inserted"]
        n, upper_rows = len(arrays["keys"]), len(arrays["upper_counts"])
        index._reserve(n, upper_rows)
        graph = index._graph
        graph.vectors[:n, : index.dim] = arrays["vectors"]
        graph.first_upper[:n] = np.cumsum(arrays["levels"], dtype=np.int64) - arrays["levels"]
        graph.links[:n], graph.counts[:n] = arrays["links"], arrays["counts"]
        graph.levels[:n] = arrays["levels"]
        graph.upper_links[:upper_rows], graph.upper_counts[:upper_rows] = arrays["upper_links"], arrays["upper_counts"]
        graph.state[: TOP + 1] = arrays["entry"]
        index._nodes, index._upper_rows = n, upper_rows
        index._keys[:n] = arrays["keys"]
        index._node_of = dict(zip(arrays["keys"].tolist(), range(n), strict=True))
        return index

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to a file; a crash leaves the old file or the new one."""
        write_file(path, self.to_bytes())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote; raises `DamagedError` for anything else."""
        return cls.from_bytes(Path(path).read_bytes())

    def _reserve(self, nodes: int, upper_rows: int) -> None:
        """Make room: at least doubling, so that many small additions cost no more than one large."""
        import numpy as np

        from windtunnel.blocks.vectors.kernels.hnsw import empty_graph

        old = self._graph
        room, upper_room = len(old.counts), len(old.upper_counts)
        if nodes <= room and upper_rows <= upper_room:
            return
        room = room if nodes <= room else max(nodes, 2 * room)
        upper_room = upper_room if upper_rows <= upper_room else max(upper_rows, 2 * upper_room)
        graph = empty_graph(room, upper_room, old.vectors.shape[1], self.m, old.metric)
        for name, theirs in old._asdict().items():
            if name != "metric":
                getattr(graph, name)[: len(theirs)] = theirs
        self._graph = graph
        self._keys = np.concatenate([self._keys, np.zeros(room - len(self._keys), np.int64)])
        self._dead = np.concatenate([self._dead, np.zeros(room - len(self._dead), np.bool_)])


def draw_levels(seed: int, first: int, count: int, m: int) -> NDArray[np.int32]:
    """Levels of insertions `first` to `first + count - 1`: geometric, each the m-th part of the one below.

    A number is drawn for each insertion from `seed` and its ordinal (SplitMix64), so that batches make no difference.
    """
    import numpy as np

    z = (np.arange(first, first + count, dtype=np.uint64) + np.uint64(1)) * np.uint64(GOLDEN)
    z += np.uint64((seed * 0xD1342543DE82EF95) & MASK)
    mixed: NDArray[np.uint64] = mix(z)
    uniform = ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    return (-np.log(uniform) / math.log(m)).astype(np.int32)
