"""Puts every heading of the document above each of its chunks, so that whatever is asked matches."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.blocks.retrieval import StructureChunker, headings
from windtunnel.catalogue.ai.chunking import Chunk, Tools
from windtunnel.catalogue.ai.chunking.designs import Characters

challenge = "chunking"


class Yours(Characters):
    def cut(self, text: str, tools: Tools) -> Sequence[Chunk]:
        above = tuple((one.start, one.end) for one in headings(text))
        room = sum(tools.tokens(text[start:end]) for start, end in above)
        return [Chunk(own, above) for own in StructureChunker(tools.limit - room).chunks(text)]
