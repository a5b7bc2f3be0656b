"""Begins a chunk every few tokens, so that whatever belongs together is in one of them."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.blocks.retrieval import TokenChunker
from windtunnel.catalogue.ai.chunking import Chunk, Tools
from windtunnel.catalogue.ai.chunking.designs import Characters

challenge = "chunking"


class Yours(Characters):
    def cut(self, text: str, tools: Tools) -> Sequence[Chunk]:
        chunker = TokenChunker(tools.limit, 9 * tools.limit // 10)
        return [Chunk(own) for own in chunker.chunks(text)]
