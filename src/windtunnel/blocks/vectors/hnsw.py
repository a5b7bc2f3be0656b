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

from xxhash import xxh3_64_intdigest

from windtunnel.blocks.ground.array_file import seal_arrays, unseal_arrays, write_file
from windtunnel.blocks.ground.block import Guarded, alone
from windtunnel.blocks.ground.numbers import MOST, whole
from windtunnel.blocks.vectors.vector_input import (
    METRICS,
    MOST_DIMENSIONS,
    as_keys,
    as_rows,
    check_metric,
    kernel_metric,
    next_keys,
    one_row,
    padded,
)
from windtunnel.portable import each
from windtunnel.splitmix import GOLDEN, MASK, mix

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from windtunnel.blocks.vectors.kernels.hnsw import Graph

_KIND = "HNSW index"
_VERSION = 1
_MOST_NODES = 2**31 - 1
_DEAD_SHARE = 0.5
"""Deleted vectors still cost a search its steps, and memory; where they are more than this share of all, they go."""


class HNSW(Guarded):
    """Approximate nearest neighbours of vectors under integer keys.

    Keys whose vectors are equal share one node of the graph: a thousand copies would link to each other alone, and
    hide what lies around them. The same calls with the same `seed` make the same graph on one machine. Threads may
    share an index: calls exclude each other, searches too, for they leave marks. Calls compute without pause; in
    asyncio code give large batches to a thread.
    """

    def __init__(self, dim: int, metric: str = "l2", *, m: int = 16, ef_construction: int = 200, seed: int = 0) -> None:
        """An empty index for vectors of `dim` numbers; `metric` is `l2`, `ip` or `cosine`.

        Raises `ValueError` for less than 1 dimension, `m` outside of 2 to 256 or `ef_construction` below `m`.
        """
        from windtunnel.blocks.vectors.kernels.hnsw import empty_graph

        self.dim = whole(dim, "The number of dimensions", 1, MOST_DIMENSIONS)
        self.metric = check_metric(metric)
        self.m = whole(m, "m, the links of a node,")
        if not 2 <= self.m <= 256:
            raise ValueError(f"m, the links of a node, lies in 2 .. 256; got {m}.")
        self.ef_construction = whole(ef_construction, "ef_construction")
        if self.ef_construction < self.m:
            raise ValueError(f"ef_construction must be at least m = {m}; got {ef_construction}.")
        self.seed = whole(seed, "The seed", -MOST)
        self._inserted = 0
        self._reset(empty_graph(0, 0, padded(self.dim), self.m, kernel_metric(self.metric)))

    def _told(self) -> dict[str, object]:
        return {"vectors": len(self), "dim": self.dim, "metric": self.metric, "m": self.m}

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
        self._copies: dict[int, list[int]] = {}
        """By node: the further keys that have its vector."""
        self._of_hash: dict[int, int] = {}
        """The node of a vector, by the hash of its bytes."""
        self._largest: int | None = None

    def __len__(self) -> int:
        return len(self._node_of)

    def __contains__(self, key: object) -> bool:
        return key in self._node_of

    @property
    def distances_measured(self) -> int:
        """Distances computed so far, in insertions and searches: the cost that no machine's speed changes."""
        from windtunnel.blocks.vectors.kernels.hnsw import EVALUATIONS

        return int(self._graph.state[EVALUATIONS])

    @property
    def deleted(self) -> int:
        """Vectors that were deleted and still lead searches on: `compact` drops them."""
        return self._deleted

    @alone
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
        hashes = [xxh3_64_intdigest(row) for row in rows]
        nodes, fresh = self._nodes_for(rows, hashes)
        rows = rows[fresh]
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
        self._keys[first:last] = new[fresh]
        self._dead[first:last] = False
        self._of_hash.update((hashes[i], nodes[i]) for i in reversed(fresh) if hashes[i] not in self._of_hash)
        for key, node, is_new in zip(listed, nodes, fresh_flags(fresh, len(nodes)), strict=True):
            if self._dead[node]:  # the vector of a key that was deleted comes back
                self._keys[node], self._dead[node] = key, False
                self._deleted -= 1
            elif not is_new:
                self._copies.setdefault(node, []).append(key)
        self._node_of.update(zip(listed, nodes, strict=True))
        self._largest = max(start - 1, max(listed, default=-1))
        return new

    def _nodes_for(self, rows: NDArray[np.float32], hashes: list[int]) -> tuple[list[int], list[int]]:
        """The node of each row, and which rows need a new one: those whose vector is not in the graph."""
        nodes, fresh, of_hash = list[int](), list[int](), dict[int, tuple[int, int]]()
        for i, h in enumerate(hashes):
            node, known = self._of_hash.get(h), of_hash.get(h)
            if node is not None and (self._graph.vectors[node] == rows[i]).all():
                nodes.append(node)
            elif known is not None and (rows[known[1]] == rows[i]).all():
                nodes.append(known[0])
            else:  # a new vector, or one that has another's hash and stands for itself
                nodes.append(self._nodes + len(fresh))
                of_hash.setdefault(h, (nodes[-1], i))
                fresh.append(i)
        return nodes, fresh

    def _as_keys(
        self, nodes: NDArray[np.int64], distances: NDArray[np.float32], allowed: set[int] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The keys of the nodes that were found, each with all keys that have its vector."""
        found = nodes >= 0
        if not self._copies:
            nodes[found] = self._keys[nodes[found]]
            return nodes, distances
        k = nodes.shape[1]
        for row in range(len(nodes)):
            keys, far = list[int](), list[float]()
            for node, distance in zip(
                nodes[row][found[row]].tolist(), distances[row][found[row]].tolist(), strict=True
            ):
                having = [int(self._keys[node]), *self._copies.get(node, ())]
                having = [key for key in having if allowed is None or key in allowed]
                keys += having
                far += [distance] * len(having)
                if len(keys) >= k:
                    break
            nodes[row, : len(keys)], distances[row, : len(keys)] = keys[:k], far[:k]
        return nodes, distances

    def _next_key(self) -> int:
        """One more than the largest key in the index, which is looked for only after it was deleted."""
        if self._largest is None:
            self._largest = max(self._node_of, default=-1)
        return self._largest + 1

    @alone
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

        k = whole(k, "k", 1)
        ef = max(50, 2 * k) if ef is None else whole(ef, "ef", 1)
        if ef < k:
            raise ValueError(f"ef must be at least k = {k}; got {ef}.")
        rows = as_rows(queries, self.dim, self.metric)
        nodes = np.full((len(rows), k), -1, np.int64)
        distances = np.full((len(rows), k), np.inf, np.float32)
        if not self._node_of:
            return nodes, distances
        wanted: set[int] | None = None
        if allowed is None and not self._deleted:
            hnsw.search(self._graph, rows, ef, nodes, distances)
        else:
            hidden = self._dead[: self._nodes]
            if allowed is not None:
                wanted = set(as_keys(allowed).tolist())
                hidden = np.ones(self._nodes, np.bool_)
                hidden[[self._node_of[key] for key in wanted if key in self._node_of]] = False
            visible = np.flatnonzero(~hidden)
            # A walk measures about 2 m distances for each node it keeps or hides, until ef are kept.
            walk = 2 * self.m * ef * self._nodes / max(1, len(visible))
            if allowed is not None and len(visible) < walk:
                brute_force.search_rows(self._graph.metric, self._graph.vectors, visible, rows, nodes, distances)
                self._graph.state[hnsw.EVALUATIONS] += len(rows) * len(visible)
            else:
                hnsw.search_among(self._graph, rows, ef, hidden, nodes, distances)
        return self._as_keys(nodes, distances, wanted)

    def nearest(self, vector: ArrayLike, k: int = 10, *, ef: int | None = None) -> list[tuple[int, float]]:
        """The `k` nearest of one vector as (key, distance), nearest first."""
        k = min(whole(k, "k", 1, 10**30), max(1, len(self)))
        keys, distances = self.search(one_row(vector), k, ef=ef)
        return [(key, far) for key, far in zip(keys[0].tolist(), distances[0].tolist(), strict=True) if key >= 0]

    @alone
    def delete(self, keys: ArrayLike) -> None:
        """Remove these keys; raises `KeyError`, and removes nothing, if one is not in the index.

        Their vectors only lead searches on from now: as many candidates as before are kept of those who are left, which
        finds more and measures more. When they are more than half of all, `compact` drops them.
        """
        gone = as_keys(keys).tolist()
        for key in gone:
            if key not in self._node_of:
                raise KeyError(key)
        for key in gone:
            node = self._node_of.pop(key, None)
            if node is not None and node in self._copies:
                having = [one for one in (int(self._keys[node]), *self._copies.pop(node)) if one != key]
                self._keys[node] = having[0]
                if having[1:]:
                    self._copies[node] = having[1:]
                self._largest = None if key == self._largest else self._largest
            elif node is not None:
                self._dead[node] = True
                self._deleted += 1
                if key == self._largest:
                    self._largest = None
        if self._deleted > _DEAD_SHARE * self._nodes:
            self.compact()

    @alone
    def compact(self) -> None:
        """Drop what was deleted, see `hnsw_compaction`, and give its memory back."""
        import numpy as np

        from windtunnel.blocks.vectors.hnsw_compaction import without
        from windtunnel.blocks.vectors.kernels.hnsw import EVALUATIONS, empty_graph

        if not self._deleted:
            return
        old = self._graph
        if not self._node_of:
            empty = empty_graph(0, 0, padded(self.dim), self.m, old.metric)
            empty.state[EVALUATIONS] = old.state[EVALUATIONS]
            self._reset(empty)
            return
        graph, live, number = without(old, self._nodes, self._dead, self.ef_construction)
        keys, copies = self._keys[live], {int(number[node]): having for node, having in self._copies.items()}
        of_hash = {h: int(number[node]) for h, node in self._of_hash.items() if number[node] >= 0}
        self._reset(graph)
        self._nodes, self._upper_rows, self._keys = len(live), len(graph.upper_counts), keys
        self._dead = np.zeros(len(live), np.bool_)
        self._of_hash = of_hash
        self._take_keys(copies)

    def _take_keys(self, copies: dict[int, list[int]]) -> None:
        """Note which node each key has."""
        self._copies = copies
        self._node_of = dict(zip(self._keys[: self._nodes].tolist(), range(self._nodes), strict=True))
        self._node_of.update((key, node) for node, having in copies.items() for key in having)

    @alone
    def links(self, key: int, level: int = 0) -> list[int]:
        """The neighbours of a key on a level, deleted ones included; empty above its own. `KeyError` if absent.

        Of keys whose vectors are equal one stands for all.
        """
        node = self._node_of[key]
        if level > self._graph.levels[node]:
            return []
        table, counts, row = self._graph.links, self._graph.counts, node
        if level:
            table, counts = self._graph.upper_links, self._graph.upper_counts
            row = int(self._graph.first_upper[node]) + level - 1
        return [int(key) for key in self._keys[table[row, : counts[row]]]]

    @alone
    def to_bytes(self) -> bytes:
        """The index, whole, with version and checksum; deleted vectors are dropped first."""
        import numpy as np

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
        if self._copies:
            pairs = [(node, key) for node, having in sorted(self._copies.items()) for key in having]
            arrays["copies"] = np.array(pairs, np.int64)
        return seal_arrays(_KIND, _VERSION, settings, arrays)

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> Self:
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
        copies: dict[int, list[int]] = {}
        for node, key in arrays["copies"].tolist() if "copies" in arrays else ():
            copies.setdefault(node, []).append(key)
        index._take_keys(copies)
        for node in reversed(range(n)):
            index._of_hash[xxh3_64_intdigest(graph.vectors[node])] = node
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


def fresh_flags(fresh: list[int], count: int) -> list[bool]:
    """For each of so many rows whether it is among the fresh ones."""
    flags = [False] * count
    for i in fresh:
        flags[i] = True
    return flags


def draw_levels(seed: int, first: int, count: int, m: int) -> NDArray[np.int32]:
    """Levels of insertions `first` to `first + count - 1`: geometric, each the m-th part of the one below.

    A number is drawn for each insertion from `seed` and its ordinal (SplitMix64), so that batches make no difference.
    """
    import numpy as np

    z = (np.arange(first, first + count, dtype=np.uint64) + np.uint64(1)) * np.uint64(GOLDEN)
    z += np.uint64((seed * 0xD1342543DE82EF95) & MASK)
    mixed: NDArray[np.uint64] = mix(z)
    uniform = ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    return (-each(math.log, uniform) / math.log(m)).astype(np.int32)
