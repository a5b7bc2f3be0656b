"""Lets a design cut documents, searches what it made by BM25, and counts what a reader is handed of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

from windtunnel import Stage, process
from windtunnel.blocks.retrieval import token_spans
from windtunnel.blocks.text import PlainIndex
from windtunnel.catalogue.ai.chunking.designs import Setting as Served
from windtunnel.catalogue.ai.chunking.tools import Chunk, Tools, words_of
from windtunnel.catalogue.ai.chunking.world import World, WorldSetting, world

BUDGETS = (50, 100, 200, 400, 800)
"""Tokens that a reader is handed."""
MANY = 1 << 20
"""No document has so many tokens."""
FEW = 5
"""Chunks that a reader is handed where nobody counts tokens."""


class Setting(WorldSetting, Served, Protocol):
    """What of the parameters matters here."""


class Cut(NamedTuple):
    """What came of a document.

    Attributes:
        tokens: of the document; `chunks`: of it; `indexed`: tokens of all chunks, with what is above them.
        lost: tokens that are in no chunk; `parted`: those of which a chunk has a part.
        long: chunks that have more tokens than they may; `astray`: places that are none of the document.
        embedded: sentences that were embedded; `told`: whether the world was asked.
    """

    tokens: int
    chunks: int
    indexed: int
    lost: int
    parted: int
    long: int
    astray: int
    embedded: int
    told: int


class Handed(NamedTuple):
    """What a reader was handed: tokens, how many of the answer's are among them, and how many those are."""

    tokens: int
    found: int
    wanted: int


class Told(NamedTuple):
    """What came of a question: for each budget, and for the first chunks without one."""

    by_budget: tuple[Handed, ...]
    few: Handed


class Text:
    """A document and its tokens."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.spans = token_spans(text)
        starts = [0] * (len(text) + 1)
        ends = [0] * (len(text) + 1)
        for start, end in self.spans:
            starts[start] += 1
            ends[end] += 1
        self.begun = [0, *accumulate(starts)]
        """Tokens that begin before a character."""
        self.ended = list(accumulate(ends))
        """Tokens that end at it, or before."""

    def among(self, start: int, end: int) -> range:
        """The tokens that lie wholly between two places."""
        return range(self.begun[start], max(self.begun[start], self.ended[end]))

    def parted(self, start: int, end: int) -> int:
        """Tokens of which a part lies there."""
        return int(self.begun[start] > self.ended[start]) + int(self.begun[end] > self.ended[end])


@lru_cache(maxsize=64)
def of_text(text: str) -> Text:
    """A document and its tokens, counted once for all designs."""
    return Text(text)


class Rig:
    """Serves the requests: the design cuts, and this searches and counts."""

    def __init__(self, design: Any, stage: Stage, p: Setting) -> None:
        self.design, self.stage, self.p = design, stage, p
        self.sim = stage.sim
        self.texts: dict[int, Text] = {}
        self.chunks: list[tuple[int, Chunk]] = []
        self.index: PlainIndex | None = None
        self.tools: Tools | None = None

    def of(self, seed: int) -> tuple[World, Tools]:
        made = world(seed, self.p)
        if self.tools is None:
            self.tools = Tools(self.p.limit, dict(zip(made.documents, made.topics, strict=True)))
        return made, self.tools

    def cut(self, text: str, tools: Tools) -> tuple[list[Chunk], int]:
        """What a design says of a document, as far as it can be: places outside of it are counted, and left out."""
        said, astray = list[Chunk](), 0
        for one in self.design.cut(text, tools):
            own, above = one
            places = [(int(start), int(end)) for start, end in (own, *above)]
            if all(0 <= start < end <= len(text) for start, end in places):
                said.append(Chunk(places[0], tuple(places[1:])))
            else:
                astray += 1
        return said, astray

    @process
    async def add(self, seed: int, document: int) -> Cut:
        """A document is cut, and what comes of it is put into the index."""
        made, tools = self.of(seed)
        text = self.texts[document] = of_text(made.documents[document])
        embedded, told = tools.embedded, tools.told
        said, astray = self.cut(text.text, tools)
        self.index = None
        self.chunks += [(document, one) for one in said]
        sizes = [len(self.tokens_of(text, one)) for one in said]
        seen = {at for one in said for at in text.among(*one.own)}
        return Cut(
            len(text.spans),
            len(said),
            sum(sizes),
            len(text.spans) - len(seen),
            sum(text.parted(*one.own) for one in said),
            sum(size > self.p.limit for size in sizes),
            astray,
            tools.embedded - embedded,
            tools.told - told,
        )

    @process
    async def again(self, seed: int, document: int) -> bool:
        """Whether a document is cut as it was before, once others have been."""
        made, tools = self.of(seed)
        before = [one for number, one in self.chunks if number == document]
        return document not in self.texts or self.cut(made.documents[document], tools)[0] == before

    @process
    async def ask(self, seed: int, question: int, kind: str) -> Told | None:
        """A question, asked of the index; None where the document that answers it was never added."""
        made, _ = self.of(seed)
        asked = made.questions[question]
        if asked.document not in self.texts:
            return None
        text = self.texts[asked.document]
        wanted = {asked.document * MANY + at for start, end in asked.answers for at in text.among(start, end)}
        handed = list[int]()
        few = Handed(0, 0, len(wanted))
        for rank, (document, chunk) in enumerate(self.found(asked.words), 1):
            for place in (*chunk.above, chunk.own):
                there, begin = self.texts[document].among(*place), document * MANY
                handed.extend(range(begin + there.start, begin + there.stop))
            if rank <= FEW:
                few = counted(handed, wanted)
            if rank >= FEW and len(handed) >= BUDGETS[-1]:
                break
        return Told(tuple(counted(handed[:budget], wanted) for budget in BUDGETS), few)

    def found(self, words: str) -> list[tuple[int, Chunk]]:
        """The chunks that have a word of the question, best first."""
        if self.index is None:
            self.index = PlainIndex(words_of().tokens(self.searched(*one)) for one in self.chunks)
        hits, _ = self.index.search_all(words_of().tokens(words), BUDGETS[-1])
        return [self.chunks[number] for number, _ in hits]

    def searched(self, document: int, chunk: Chunk) -> str:
        """What of a chunk is indexed."""
        text = self.texts[document].text
        return "\n".join(text[start:end] for start, end in (*chunk.above, chunk.own))

    def tokens_of(self, text: Text, chunk: Chunk) -> list[int]:
        """The tokens of a chunk, with those above it first."""
        return [at for place in (*chunk.above, chunk.own) for at in text.among(*place)]


def counted(handed: Sequence[int], wanted: set[int]) -> Handed:
    """What of it is wanted; what is handed over twice is found once."""
    return Handed(len(handed), len(wanted.intersection(handed)), len(wanted))
