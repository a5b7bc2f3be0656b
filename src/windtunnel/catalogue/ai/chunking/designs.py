"""Ways to cut a document. All are given the text, the tokens that a chunk may have, and what can be asked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

from windtunnel import Stage
from windtunnel.blocks.retrieval import (
    CharacterChunker,
    Heading,
    RecursiveChunker,
    SemanticChunker,
    StructureChunker,
    TokenChunker,
    headings,
)
from windtunnel.catalogue.ai.chunking.tools import Chunk, Tools

CHARACTERS = 30
"""A chunk of the naive design."""
SHORTER = 3
"""So many times as short is a short chunk."""
ROOM = 12  # unclaimed: with more room chunks are shorter, and find as much
"""Tokens that headings may have above a chunk."""
DEEPER = 7
"""Than any heading."""


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def limit(self) -> int: ...
    @property
    def overlap(self) -> float: ...


class Characters:
    """Cut after every 30 characters."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.p = p

    def cut(self, text: str, tools: Tools) -> Sequence[Chunk]:
        """The chunks of a document: places in it, each with what is put above it."""
        return [Chunk(own) for own in CharacterChunker(CHARACTERS).chunks(text)]


class Fixed(Characters):
    """Cut after as many tokens as a chunk may have."""

    def cut(self, text: str, tools: Tools) -> Sequence[Chunk]:
        return [Chunk(own) for own in TokenChunker(tools.limit).chunks(text)]


class Short(Characters):
    """The same, and a third as long."""

    def cut(self, text: str, tools: Tools) -> Sequence[Chunk]:
        return [Chunk(own) for own in TokenChunker(max(1, tools.limit // SHORTER)).chunks(text)]


class Overlapped(Characters):
    """As long as may be, and each chunk begins with the second half of the one before."""

    def cut(self, text: str, tools: Tools) -> Sequence[Chunk]:
        chunker = TokenChunker(tools.limit, int(self.p.overlap * tools.limit))
        return [Chunk(own) for own in chunker.chunks(text)]


class Recursive(Characters):
    """Cut at empty lines, and what is too long at ends of lines, of sentences, of words."""

    def cut(self, text: str, tools: Tools) -> Sequence[Chunk]:
        return [Chunk(own) for own in RecursiveChunker(tools.limit).chunks(text)]


class Semantic(Characters):
    """Embed each sentence, and keep those together whose vectors are alike."""

    def cut(self, text: str, tools: Tools) -> Sequence[Chunk]:
        return [Chunk(own) for own in SemanticChunker(tools.limit, tools.embed).chunks(text)]


class ToldTopics(Characters):
    """Told by the world where each topic begins: what no vector knows better. A bound, and no design to build."""

    def cut(self, text: str, tools: Tools) -> Sequence[Chunk]:
        begins = [0, *tools.topics(text)[1:], len(text)]
        inside = RecursiveChunker(tools.limit)
        return [
            Chunk((begin + start, begin + stop))
            for begin, end in pairwise(begins)
            for start, stop in inside.chunks(text[begin:end])
        ]


class Structure(Characters):
    """Cut before headings, and where that is too long between paragraphs, lists and pieces of code."""

    def cut(self, text: str, tools: Tools) -> Sequence[Chunk]:
        return [Chunk(own) for own in StructureChunker(tools.limit).chunks(text)]


class Headed(Characters):
    """The same, with the headings that stand above a chunk put above it, in the index and for the reader."""

    def cut(self, text: str, tools: Tools) -> Sequence[Chunk]:
        found = headings(text)
        room = min(ROOM, tools.limit // 2)  # unclaimed: claims are made of longer chunks
        chunker = StructureChunker(tools.limit - room if found else tools.limit)
        chunks, above = list[Chunk](), list[Heading]()
        for start, end in chunker.chunks(text):
            inside = [one for one in found if start <= one.start < end]
            deep = inside[0].depth if inside else DEEPER  # unclaimed: see the next line
            above = [one for one in above if one.depth < deep]  # unclaimed: one too many costs four tokens; a test asks
            chunks.append(Chunk((start, end), nearest(above, room, text, tools)))
            for begun in inside:
                above = [*(one for one in above if one.depth < begun.depth), begun]
        return chunks


def nearest(above: Sequence[Heading], room: int, text: str, tools: Tools) -> tuple[tuple[int, int], ...]:
    """Of the headings above a chunk those nearest to it that have room, the highest first."""
    told = list[tuple[int, int]]()
    for one in reversed(above):
        room -= tools.tokens(text[one.start : one.end])
        if room < 0:
            break
        told.append((one.start, one.end))
    return tuple(reversed(told))
