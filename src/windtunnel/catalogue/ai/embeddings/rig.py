"""Hands a design the passages, asks it queries of all classes, mixed, and knows what is right."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from windtunnel import Stage, process
from windtunnel.blocks.retrieval import RandomIndexing, ndcg
from windtunnel.blocks.text import Tokenizer
from windtunnel.catalogue.ai.embeddings.world import STOPWORDS, Setting as WorldSetting, World, world

FIRST = 10
"""Places that are asked for at least: of these nDCG is taken."""


class Setting(WorldSetting, Protocol):
    """What of the parameters matters here."""

    @property
    def dim(self) -> int: ...
    @property
    def k(self) -> int: ...
    @property
    def retrained(self) -> bool: ...


class Library(NamedTuple):
    """What a design is handed.

    Attributes:
        passages: what is to be searched, by number.
        older: texts of the same field that somebody else has read.
        encoder: what he has learned from them; it may be asked, and others may be made.
    """

    passages: tuple[str, ...]
    older: tuple[str, ...]
    encoder: RandomIndexing


class Answer(NamedTuple):
    """What came of a query.

    Attributes:
        right, opposite: the first place, from 1, of a passage that answers it, and of one that says the opposite;
            0 where none was told.
        gain: nDCG of the first ten.
        foreign: what was told and is no passage, or was told before, or is more than was asked for.
    """

    kind: str
    right: int
    opposite: int
    gain: float
    foreign: int
    told: tuple[int, ...]


class Cost(NamedTuple):
    """What a design says of itself: products of two vectors so far, and bytes of vectors that it keeps."""

    products: int
    kept: int


def tokenizer() -> Tokenizer:
    """Cuts passages and queries for all designs: words that say nothing are left out, words that deny are not."""
    return Tokenizer(stopwords=STOPWORDS)


@lru_cache(maxsize=16)
def _read(texts: tuple[str, ...], dim: int) -> RandomIndexing:
    made = RandomIndexing(dim, tokenizer=tokenizer())
    made.read(texts)
    return made


class Rig:
    """Serves the requests: numbers of queries come, and of each query its text alone goes to the design."""

    def __init__(self, design: Any, stage: Stage, p: Setting) -> None:
        self.design, self.p = design, p
        self.sim = stage.sim

    def world(self, seed: int) -> World:
        return world(seed, self.p)

    @process
    async def index(self, seed: int) -> None:
        """All passages."""
        made = self.world(seed)
        read = made.older + made.passages if self.p.retrained else made.older
        self.design.index(Library(made.passages, made.older, _read(read, self.p.dim)))

    @process
    async def search(self, seed: int, number: int) -> Answer:
        """The query of this number."""
        made = self.world(seed)
        query = made.queries[number]
        many = max(FIRST, self.p.k)
        told = _numbers(self.design.search(query.text, many))
        found, foreign = list[int](), max(0, len(told) - many)
        for one in told[:many]:
            if 0 <= one < len(made.passages) and one not in found:
                found.append(one)
            else:
                foreign += 1
        gain = ndcg(found, dict.fromkeys(query.right, 1.0), FIRST)
        first = [next((at for at, one in enumerate(found, 1) if one in some), 0) for some in query[2:]]
        return Answer(query.kind, first[0], first[1], gain, foreign, tuple(found))

    @process
    async def weigh(self, seed: int) -> Cost:
        """What it has cost so far, of a design that tells it."""
        return Cost(int(getattr(self.design, "products", 0)), int(getattr(self.design, "kept", 0)))


def _numbers(told: Iterable[Any]) -> list[int]:
    listed = list(told)
    if not all(hasattr(one, "__index__") for one in listed):
        raise TypeError("A search says numbers of passages, best first, and nothing else.")
    return [one.__index__() for one in listed]
