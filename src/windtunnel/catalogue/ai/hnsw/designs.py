"""Ways to find the items nearest to a query. All are asked for the same items, with the same candidates kept."""

from __future__ import annotations

from itertools import islice
from typing import Protocol

from windtunnel import Stage
from windtunnel.catalogue.ai.hnsw.space import FEWEST, Codes, Graph, Space
from windtunnel.catalogue.ai.hnsw.walk import Path, table, unlinked, walk
from windtunnel.catalogue.ai.hnsw.world import Array

HOLES = 0.25
"""Where so large a share is deleted, HNSW closes the holes."""


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def m(self) -> int: ...


class EveryDistance:
    """Measure every distance."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.m = p.m
        self.keys: list[int] = []

    def add(self, space: Space, keys: Array) -> None:
        """New items."""
        self.keys += keys.tolist()

    def delete(self, space: Space, keys: Array) -> None:
        """Items that must not be found any more."""
        gone = set(keys.tolist())
        self.keys = [key for key in self.keys if key not in gone]

    def search(self, space: Space, queries: Array, k: int, ef: int, allowed: Array | None) -> Array:
        """The `k` nearest of each query, (queries, k), -1 where fewer are found; of `allowed` alone, if that is given.

        Args:
            ef: how many candidates may be kept: what that means is the design's affair.
        """
        import numpy as np

        keys = self.here()
        return space.exact(queries, keys if allowed is None else np.intersect1d(keys, allowed), k)

    def trace(self, space: Space, query: int, ef: int) -> dict[str, Path]:
        """What a query measures one after the other, for a chart."""
        return in_turn(space, query, self.here())

    def here(self) -> Array:
        """The items that may be found."""
        import numpy as np

        return np.array(self.keys, np.int64)

    def size(self) -> int:
        """Bytes that it keeps, beside the vectors."""
        return 0


def in_turn(space: Space, query: int, keys: Array, before: int = 0) -> dict[str, Path]:
    """How far the nearest is so far, as these items are measured, behind as many other distances as were `before`."""
    import numpy as np

    least = np.minimum.accumulate(space.far(np.full(len(keys), query), keys)).tolist()
    return {"in turn": list(enumerate(least, before + 1))}  # unclaimed: it is drawn


class Linked(EveryDistance):
    """Items that are linked to others, and a walk along the links. What must not be found is left out at its end."""

    links: Array

    def starts(self, space: Space, queries: Array) -> Array:
        """Where the walk of each query begins, (queries, some): `2 m` items that chance chooses."""
        import numpy as np

        luck, keys = np.random.default_rng(space.seed), self.here()
        many = min(2 * self.m, len(keys))  # unclaimed: three times as many reach more groups, and not all
        return np.array([luck.choice(keys, many, replace=False) for _ in queries])

    def walked(self, space: Space, links: Array, queries: Array, ef: int) -> Array:
        """What a walk of each query keeps."""
        return space.walk(links, queries, self.starts(space, queries), ef)

    def trace(self, space: Space, query: int, ef: int) -> dict[str, Path]:
        """The path of a query, for a chart."""
        import numpy as np

        one = np.array([query])
        return {"layer 0": walk(space, self.links, one, self.starts(space, one), ef)[1]}

    def search(self, space: Space, queries: Array, k: int, ef: int, allowed: Array | None) -> Array:
        import numpy as np

        wanted = np.zeros(space.items, bool)
        wanted[self.here() if allowed is None else np.intersect1d(self.here(), allowed)] = True
        return first(self.walked(space, self.links, queries, ef), wanted, k)

    def size(self) -> int:
        return int((self.links >= 0).sum()) * 4


def first(found: Array, wanted: Array, k: int) -> Array:
    """Of what each query found the first `k` that are wanted, in order; -1 where there are fewer."""
    import numpy as np

    here = wanted[found] & (found >= 0)
    order = np.argsort(~here, axis=1, kind="stable")[:, :k]
    kept = np.take_along_axis(np.where(here, found, -1), order, 1)
    return np.pad(kept, ((0, 0), (0, k - kept.shape[1])), constant_values=-1)


class RandomGraph(Linked):
    """Each item is linked to others that chance chooses."""

    def add(self, space: Space, keys: Array) -> None:
        import numpy as np

        super().add(space, keys)
        luck, here = np.random.default_rng(space.seed + len(self.keys)), self.here()
        self.links = unlinked(space.items, 2 * self.m)
        self.links[here] = luck.choice(here, (len(here), 2 * self.m))


class Neighbours(Linked):
    """Each item is linked to those that are nearest to it."""

    def add(self, space: Space, keys: Array) -> None:
        super().add(space, keys)
        here = self.here()
        near = space.neighbours(here, 2 * self.m)
        self.links = unlinked(space.items, near.shape[1])
        self.links[here] = near


class OneLayer(Linked):
    """HNSW's links without the layers above; who was deleted still leads on, and is left out at the end."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.graph: Graph | None = None
        self.having: dict[int, list[int]] = {}

    def add(self, space: Space, keys: Array) -> None:
        import numpy as np

        super().add(space, keys)
        self.graph = self.graph or space.graph()
        self.graph.add(keys)
        for key, one in zip(keys.tolist(), space.same(keys).tolist(), strict=True):
            self.having.setdefault(one, []).append(key)
        nodes = np.array(list(self.having))
        near = table(self.graph.links(nodes))
        self.links = unlinked(space.items, near.shape[1])
        self.links[nodes] = near

    def starts(self, space: Space, queries: Array) -> Array:
        import numpy as np

        return np.full((len(queries), 1), next(iter(self.having)))

    def wanted(self, allowed: Array | None) -> set[int]:
        """The items that may be told."""
        return set(self.keys) if allowed is None else set(self.keys) & set(allowed.tolist())

    def search(self, space: Space, queries: Array, k: int, ef: int, allowed: Array | None) -> Array:
        return self.told(self.walked(space, self.links, queries, ef), self.wanted(allowed), k)

    def told(self, found: Array, wanted: set[int], k: int) -> Array:
        """The items that have the vectors which were found, as far as they are wanted."""
        import numpy as np

        rows = np.full((len(found), k), -1)
        for row, nodes in zip(rows, found.tolist(), strict=True):
            keys = list(islice((key for node in nodes if node >= 0 for key in self.having[node] if key in wanted), k))
            row[: len(keys)] = keys
        return rows


class Marked(OneLayer):
    """HNSW's links in one layer; who must not be found leads on, and takes no place among those kept."""

    def search(self, space: Space, queries: Array, k: int, ef: int, allowed: Array | None) -> Array:
        import numpy as np

        wanted = self.wanted(allowed)
        hidden = np.ones(space.items, bool)
        hidden[[one for one, keys in self.having.items() if not wanted.isdisjoint(keys)]] = False
        return self.told(space.walk(self.links, queries, self.starts(space, queries), ef, hidden), wanted, k)


class CutOut(OneLayer):
    """HNSW's links without who must not be found: neither the deleted nor the filtered are walked to."""

    def search(self, space: Space, queries: Array, k: int, ef: int, allowed: Array | None) -> Array:
        import numpy as np

        wanted = self.wanted(allowed)
        nodes = [one for one, keys in self.having.items() if not wanted.isdisjoint(keys)]
        kept = np.zeros(space.items, bool)
        kept[nodes] = True
        self.begin = nodes[0] if nodes else 0  # unclaimed: where nothing may be told it does not matter
        links = np.where(kept[self.links], self.links, -1)  # unclaimed: any number below nought is none
        return self.told(self.walked(space, links, queries, ef), wanted, k)

    def starts(self, space: Space, queries: Array) -> Array:
        import numpy as np

        return np.full((len(queries), 1), self.begin)


class Reranked(EveryDistance):
    """A byte for every four numbers: all codes are compared, and of the nearest `ef` the vectors are measured."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.codes: Codes | None = None

    def add(self, space: Space, keys: Array) -> None:
        super().add(space, keys)
        if self.codes is not None:
            self.codes.add(keys)
        elif len(self.keys) >= FEWEST:
            self.codes = space.codes()
            self.codes.train(self.here())
            self.codes.add(self.here())

    def delete(self, space: Space, keys: Array) -> None:
        super().delete(space, keys)
        if self.codes is not None:
            self.codes.delete(keys)

    def search(self, space: Space, queries: Array, k: int, ef: int, allowed: Array | None) -> Array:
        import numpy as np

        if self.codes is None:
            return super().search(space, queries, k, ef, allowed)
        found = self.codes.search(queries, ef, allowed)
        who, which = (found >= 0).nonzero()
        far = np.full(found.shape, np.iinfo(np.int64).max)
        far[who, which] = space.far(queries[who], found[who, which])
        return np.take_along_axis(found, np.argsort(far, axis=1, kind="stable")[:, :k], 1)

    def trace(self, space: Space, query: int, ef: int) -> dict[str, Path]:
        import numpy as np

        if self.codes is None:  # unclaimed: it is drawn
            return super().trace(space, query, ef)  # unclaimed: it is drawn
        before = space.measured  # unclaimed: it is drawn
        found = self.codes.search(np.array([query]), ef, None)[0]
        return in_turn(space, query, found[found >= 0], space.measured - before)  # unclaimed: it is drawn

    def size(self) -> int:
        return 0 if self.codes is None else self.codes.size()


class Layers:
    """HNSW: layers of ever fewer items, links in different directions, and holes that are closed."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.graph: Graph | None = None

    def add(self, space: Space, keys: Array) -> None:
        """New items."""
        self.graph = self.graph or space.graph()
        self.graph.add(keys)

    def delete(self, space: Space, keys: Array) -> None:
        """Items that must not be found any more."""
        if self.graph is not None:
            self.graph.delete(keys)
            if self.graph.holes() > HOLES:
                self.graph.close()

    def search(self, space: Space, queries: Array, k: int, ef: int, allowed: Array | None) -> Array:
        """The `k` nearest of each query."""
        self.graph = self.graph or space.graph()  # unclaimed: nobody asks before something is added
        return self.graph.search(queries, k, ef, allowed)

    def trace(self, space: Space, query: int, ef: int) -> dict[str, Path]:
        """The path of a query, for a chart."""
        return {} if self.graph is None else self.graph.trace(query, ef)

    def size(self) -> int:
        """Bytes that it keeps, beside the vectors."""
        return 0 if self.graph is None else self.graph.size()
