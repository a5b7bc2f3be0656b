"""Holds the vectors, lets a design add, delete and search, and knows by all distances what is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from windtunnel import Stage, process
from windtunnel.blocks.vectors import BruteForce
from windtunnel.catalogue.ai.hnsw.space import LinkSetting, Space
from windtunnel.catalogue.ai.hnsw.world import Array, World, WorldSetting, world

STEPS = 4
"""In so many steps items are deleted."""


class Setting(WorldSetting, LinkSetting, Protocol):
    """What of the parameters matters here."""

    @property
    def k(self) -> int: ...
    @property
    def deleted(self) -> float: ...


class Answer(NamedTuple):
    """What came of a search, over all queries.

    Attributes:
        here: items that might have been found.
        found, wanted: keys told that are as near as the k-th nearest that there is, and how many there should be.
        gone, foreign, twice: keys told of items that were deleted, that the filter does not allow or that were never
            there, and of items that were told before.
        measured, scanned: distances and codes.
    """

    here: int
    found: int
    wanted: int
    gone: int
    foreign: int
    twice: int
    measured: int
    scanned: int


class Rig:
    """Serves the requests: the design is handed keys, and the space in which it may measure them."""

    def __init__(self, design: Any, stage: Stage, p: Setting) -> None:
        self.design, self.stage, self.p = design, stage, p
        self.sim = stage.sim
        self.space: Space | None = None
        self.live: Any = None
        self.searches = 0

    def begun(self, seed: int) -> World:
        """The world of this seed; nothing of it has been added yet."""
        import numpy as np

        made = self.made = world(seed, self.p)
        if self.space is None:
            self.space = Space(made, seed % 2**32, self.p)
            self.live = np.zeros(self.p.items, bool)
            self.ever = np.zeros(self.p.items, bool)
        return made

    @process
    async def add(self, seed: int, first: int, last: int) -> int:
        """Items of these numbers; returns how many distances were measured for them."""
        import numpy as np

        self.begun(seed)
        space = self.of_space()
        before = space.measured
        keys = np.arange(first, last)
        self.design.add(space, keys)
        self.live[keys] = self.ever[keys] = True
        return space.measured - before

    @process
    async def delete(self, seed: int, step: int) -> int:
        """The next part of those who go; returns how many distances were measured for it."""
        order, space = self.begun(seed).order, self.of_space()
        going = round(self.p.deleted * len(order))
        keys = order[going * step // STEPS : going * (step + 1) // STEPS]
        keys = keys[self.live[keys]]
        before = space.measured
        if len(keys):
            self.live[keys] = False
            self.design.delete(space, keys)
        return space.measured - before

    @process
    async def search(self, seed: int, ef: int) -> Answer:
        """All queries, with so many candidates kept."""
        self.begun(seed)
        return self.asked(ef, None)

    @process
    async def among(self, seed: int, ef: int, share: float) -> Answer:
        """All queries, of which this share of the items is allowed."""
        made = self.begun(seed)
        return self.asked(ef, (self.live & (made.chance < share)).nonzero()[0])

    @process
    async def weigh(self, seed: int) -> int:
        """Bytes that the design keeps, beside the vectors."""
        self.begun(seed)
        return int(self.design.size())

    @process
    async def trace(self, seed: int, ef: int) -> Mapping[str, Sequence[tuple[int, int]]]:
        """The path of the first query, of a design that tells it."""
        self.begun(seed)
        told = getattr(self.design, "trace", None)
        return {} if told is None else dict(told(self.of_space(), 0, ef))

    def order(self) -> Array:
        """Which query of the world has number 0, and so on: others in each search."""
        import numpy as np

        self.searches += 1
        return np.random.default_rng((self.of_space().seed, self.searches)).permutation(len(self.made.queries))

    def of_space(self) -> Space:
        assert self.space is not None
        return self.space

    def asked(self, ef: int, allowed: Array | None) -> Answer:
        """What a design says, held against all distances."""
        import numpy as np

        space, made = self.of_space(), self.made
        queries = np.arange(len(made.queries))
        order = self.order()
        space.ask(order)
        before, scanned = space.measured, space.scanned
        told = np.asarray(self.design.search(space, queries, self.p.k, max(ef, self.p.k), allowed))
        measured, scanned = space.measured - before, space.scanned - scanned
        if told.shape != (len(queries), self.p.k) or told.dtype.kind != "i":
            raise TypeError(f"A search says {self.p.k} whole numbers for each query; this one says {told.shape}.")
        may = np.zeros(self.p.items, bool)
        may[self.live.nonzero()[0] if allowed is None else allowed] = True
        edge = self.edge(may)[order]
        rows, places = (told != -1).nonzero()
        keys = told[rows, places]
        known = (keys >= 0) & (keys < self.p.items)
        foreign = int((~known).sum())
        pairs = np.unique(rows[known] * self.p.items + keys[known])
        rows, keys = pairs // self.p.items, pairs % self.p.items
        twice = int(known.sum()) - len(pairs)
        gone = int((self.ever[keys] & ~self.live[keys]).sum())
        foreign += int((~self.ever[keys] | (self.live[keys] & ~may[keys])).sum())
        steps = made.items[keys] - made.queries[order[rows]]
        found = int((may[keys] & (np.einsum("ij,ij->i", steps, steps) <= edge[rows])).sum())
        wanted = min(self.p.k, int(may.sum())) * len(queries)
        return Answer(int(may.sum()), found, wanted, gone, foreign, twice, measured, scanned)

    def edge(self, may: Array) -> Array:
        """How far the k-th nearest of these items is from each query: of fewer, the farthest."""
        import numpy as np

        made, keys, name = self.made, may.nonzero()[0], (self.p.k, may.tobytes())
        if not len(keys):
            return np.full(len(made.queries), -1.0)
        if name not in made.edges:
            exact = BruteForce(made.items.shape[1])
            exact.add(made.items[keys], keys)
            made.edges[name] = exact.search(made.queries, min(self.p.k, len(keys)))[1][:, -1]
        return made.edges[name]
