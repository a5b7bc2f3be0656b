"""Goes by lines: fills a chunk with lines of one section, with its heading above what does not begin it."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel import Stage
from windtunnel.blocks.retrieval import TokenChunker
from windtunnel.catalogue.ai.chunking import Chunk, Setting, Tools

challenge = "chunking"


class Yours:
    def __init__(self, stage: Stage, p: Setting) -> None:
        pass

    def cut(self, text: str, tools: Tools) -> Sequence[Chunk]:
        chunks, heading, begun, at = list[Chunk](), (0, 0), 0, 0
        for line in text.splitlines(keepends=True):
            begins = line.startswith("#")
            if at > begun and (begins or tools.tokens(text[begun : at + len(line)]) > tools.limit - 12):
                chunks += self.of(text, begun, at, heading, tools)
                begun = at
            if begins:
                heading = (at, at + len(line.rstrip()))
            at += len(line)
        return chunks + self.of(text, begun, at, heading, tools)

    def of(self, text: str, start: int, end: int, heading: tuple[int, int], tools: Tools) -> list[Chunk]:
        above = (heading,) if heading[1] > heading[0] < start else ()
        inside = TokenChunker(tools.limit - 12).chunks(text[start:end])
        return [Chunk((start + one, start + other), above) for one, other in inside]
