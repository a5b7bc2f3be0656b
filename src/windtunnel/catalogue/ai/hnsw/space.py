"""What a design may ask of vectors. Each distance that it learns is counted here, and so is each code that is read."""

from __future__ import annotations

from typing import Any, Protocol

from windtunnel.blocks.vectors import HNSW, BruteForce, ProductQuantiser, walk_links
from windtunnel.catalogue.ai.hnsw.walk import Path, table, walk
from windtunnel.catalogue.ai.hnsw.world import Array, World

PART = 4
"""Numbers of a vector that a byte of its code stands for."""
TAUGHT, ROUNDS = 512, 4
"""Vectors that codes are learned from, and in how many rounds."""
FEWEST = 256  # unclaimed: fewer the quantiser refuses
"""Vectors without which no codes are learned."""
FRACTION = 2.0**-20


class LinkSetting(Protocol):
    """How links are made."""

    @property
    def m(self) -> int: ...
    @property
    def ef_construction(self) -> int: ...


class Space:
    """The vectors, behind a counter: items go by their keys, queries by their numbers.

    A query has another number in each search, so that nobody knows it again without measuring.

    Attributes:
        measured: distances between vectors so far.
        scanned: codes that were compared so far.
    """

    def __init__(self, world: World, seed: int, p: LinkSetting) -> None:
        self._world, self.seed, self.p = world, seed, p
        self.dim = world.items.shape[1]
        self.measured = self.scanned = 0
        self._asked = world.queries

    @property
    def items(self) -> int:
        """How many there may be: keys are below."""
        return len(self._world.items)

    def ask(self, order: Array) -> None:
        """From now on query 0 is that which the world has at `order[0]`, and so on."""
        self._asked = self._world.queries[order]

    def far(self, queries: Array, keys: Array) -> Array:
        """The squared distance of each query from the item beside it, both flat; whole numbers."""
        return self._squares(self._asked[queries] - self._world.items[keys])

    def apart(self, keys: Array, others: Array) -> Array:
        """The squared distance of each item from the one beside it."""
        return self._squares(self._world.items[keys] - self._world.items[others])

    def _squares(self, steps: Array) -> Array:
        import numpy as np

        self.measured += len(steps)
        squares: Array = np.einsum("ij,ij->i", steps, steps).astype(np.int64)
        return squares

    def same(self, keys: Array) -> Array:
        """Of each item the first one that has its vector: bytes are compared, no distance."""
        return self._world.same[keys]

    def exact(self, queries: Array, keys: Array, k: int) -> Array:
        """The `k` nearest of these items for each query, (queries, k), by all distances; -1 where there are fewer."""
        return self._exact(self._asked[queries], keys, k)

    def neighbours(self, keys: Array, k: int) -> Array:
        """Of each of these items the `k` nearest others, (keys, k), by all distances; -1 where there are fewer."""
        import numpy as np

        found = self._exact(self._world.items[keys], keys, k + 1)
        own = found == keys[:, None]
        own[~own.any(axis=1), -1] = True  # so many copies that it is not among its nearest: one of them goes
        return found[~own].reshape(len(keys), k) if len(keys) else np.empty((0, k), np.int64)

    def _exact(self, rows: Array, keys: Array, k: int) -> Array:
        block = BruteForce(self.dim)
        block.add(self._world.items[keys], keys)
        self.measured += len(rows) * len(keys)
        return block.search(rows, k)[0]

    def walk(self, links: Array, queries: Array, starts: Array, ef: int, hidden: Array | None = None) -> Array:
        """What a walk of each query along `links` keeps, as `walk.walk` does it: (queries, ef), -1 where there is none.

        Args:
            hidden: by key, of items that lead on, and take no place among those kept.
        """
        found, _, measured = walk_links(self._world.items, links, self._asked[queries], starts, ef, hidden=hidden)
        self.measured += measured
        return found

    def graph(self) -> Graph:
        """A new HNSW of the blocks, with nothing in it yet."""
        return Graph(self)

    def codes(self) -> Codes:
        """A new product quantiser of the blocks, with a code for each item that is added."""
        return Codes(self)


class Graph:
    """The HNSW of the blocks, whose distances the space counts."""

    def __init__(self, space: Space) -> None:
        self.space = space
        p = space.p
        self._index = HNSW(space.dim, m=p.m, ef_construction=p.ef_construction, seed=space.seed)
        self.counted = 0
        self.added: list[bytes] | None = []

    def add(self, keys: Array) -> None:
        """Insert these items."""
        if self.added is None:
            self._index.add(self.space._world.items[keys], keys)
            self._count()
            return
        self.added.append(keys.tobytes())
        name, made = (self.space.p.m, self.space.p.ef_construction, *self.added), self.space._world.graphs
        if name in made:
            saved, measured = made[name]
            self._index, self.counted = HNSW.from_bytes(saved), 0
            self.space.measured += measured
            return
        before = self.space.measured
        self._index.add(self.space._world.items[keys], keys)
        self._count()
        made[name] = self._index.to_bytes(), self.space.measured - before

    def delete(self, keys: Array) -> None:
        """Delete them: they only lead on from now, until they are more than half of all."""
        self.added = None
        self._index.delete(keys)
        self._count()

    def holes(self) -> float:
        """The share of the vectors that are deleted and still lead on."""
        return self._index.deleted / max(1, self._index.deleted + len(self._index))

    def close(self) -> None:
        """Drop the deleted: who was linked to them chooses anew among those whom they were linked to."""
        self._index.compact()
        self._count()

    def search(self, queries: Array, k: int, ef: int, allowed: Array | None = None) -> Array:
        """The `k` nearest keys of each query, (queries, k), -1 where fewer are found."""
        found = self._index.search(self.space._asked[queries], k, ef=ef, allowed=allowed)[0]
        self._count()
        return found

    def links(self, keys: Array, layer: int = 0) -> list[list[int]]:
        """What each of these items is linked to on a layer; of items with one vector the first stands for all."""
        return [self._index.links(key, layer) for key in keys.tolist()]

    def trace(self, query: int, ef: int) -> dict[str, Path]:
        """The path of a query by layer, step by step: in each the nearest alone is followed, in the lowest `ef`."""
        import numpy as np

        top, at = 0, next(key for key in range(self.space.items) if key in self._index)
        for key in range(self.space.items):
            while key in self._index and self._index.links(key, top + 1):
                top, at = top + 1, key
        before, paths = 0, dict[str, Path]()
        for layer in range(top, -1, -1):
            along = _Layer(self, layer)
            kept, path = walk(self.space, along, np.array([query]), np.array([[at]]), ef if layer == 0 else 1)
            paths[f"layer {layer}"] = [(before + many, far) for many, far in path]
            at, before = kept[0, 0], before + path[-1][0]
        return paths

    def size(self) -> int:
        """Bytes of the index, saved, without the vectors."""
        return len(self._index.to_bytes()) - len(self._index) * int(self.space.dim) * 4

    def _count(self) -> None:
        now = int(self._index.distances_measured)
        self.space.measured += now - self.counted
        self.counted = now


class _Layer:
    """A layer's links as a walk asks for them."""

    def __init__(self, graph: Graph, layer: int) -> None:
        self.graph, self.layer = graph, layer

    def __len__(self) -> int:
        return self.graph.space.items

    def __getitem__(self, keys: Array) -> Array:
        return table(self.graph.links(keys, self.layer))


class Codes:
    """The product quantiser of the blocks: a byte for every four numbers of a vector."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.parts = -(-space.dim // PART)
        self.quantiser = ProductQuantiser(PART * self.parts, self.parts, seed=space.seed)
        self.keys: Any = None
        self.codes: Any = None

    def _padded(self, rows: Array, key: int) -> Array:
        """With noughts up to whole parts, and a fraction added, so that no two centroids are equally near."""
        import numpy as np

        full = np.zeros((len(rows), PART * self.parts), np.float32)
        full[:, : self.space.dim] = rows
        if key >= 0:
            full += np.random.default_rng(self.space.seed + key).integers(0, 2**12, full.shape) * FRACTION
        return full

    def train(self, keys: Array) -> None:
        """Learn codes from some of these items, of which there are `FEWEST`; what was added is forgotten."""
        import numpy as np

        sample = self._padded(self.space._world.items[keys[:TAUGHT]], 0)
        self.quantiser.train(sample, ROUNDS)
        self._compared(ROUNDS * len(sample))
        self.keys, self.codes = np.empty(0, np.int64), np.empty((0, self.parts), np.uint8)

    def add(self, keys: Array) -> None:
        """Keep their codes."""
        import numpy as np

        made = self.quantiser.encode(self._padded(self.space._world.items[keys], 1))
        self._compared(len(keys))
        self.keys, self.codes = np.concatenate([self.keys, keys]), np.concatenate([self.codes, made])

    def delete(self, keys: Array) -> None:
        """Forget them."""
        import numpy as np

        kept = ~np.isin(self.keys, keys)
        self.keys, self.codes = self.keys[kept], self.codes[kept]

    def search(self, queries: Array, k: int, allowed: Array | None = None) -> Array:
        """The `k` items whose codes are nearest to each query, (queries, k), -1 where there are fewer."""
        import numpy as np

        here = np.ones(len(self.keys), bool) if allowed is None else np.isin(self.keys, allowed)
        self._compared(len(queries))
        self.space.scanned += len(queries) * int(here.sum())
        found = self.quantiser.search(self.codes[here], self._padded(self.space._asked[queries], -1), k)[0]
        return np.where(found >= 0, self.keys[here][found], -1) if here.any() else found

    def _compared(self, vectors: int) -> None:
        """With all centroids, each part with its own: as many distances of whole vectors as a part has centroids."""
        self.space.measured += vectors * len(self.quantiser.centroids[0])

    def size(self) -> int:
        """Bytes of all codes, and of what they stand for."""
        return len(self.quantiser.to_bytes()) + int(self.codes.nbytes)
