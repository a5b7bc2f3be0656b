"""Retrieval: texts cut into chunks that a search hands over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.blocks.retrieval.chunker_recursive import RecursiveChunker as RecursiveChunker
    from windtunnel.blocks.retrieval.chunker_semantic import Embed as Embed, SemanticChunker as SemanticChunker
    from windtunnel.blocks.retrieval.chunker_structure import StructureChunker as StructureChunker
    from windtunnel.blocks.retrieval.chunker_windows import (
        CharacterChunker as CharacterChunker,
        TokenChunker as TokenChunker,
    )
    from windtunnel.blocks.retrieval.outline import Heading as Heading, headings as headings
    from windtunnel.blocks.retrieval.tokens import (
        TextChunker as TextChunker,
        token_spans as token_spans,
    )

__getattr__, __dir__ = lend(__name__)
