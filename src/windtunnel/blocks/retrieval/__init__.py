"""Retrieval: texts cut into chunks, made into vectors, found, and ranked."""

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
    from windtunnel.blocks.retrieval.hyde import (
        Encodes as Encodes,
        Write as Write,
        hypothetical as hypothetical,
    )
    from windtunnel.blocks.retrieval.judging import ndcg as ndcg, recall as recall
    from windtunnel.blocks.retrieval.late_interaction import LateInteraction as LateInteraction
    from windtunnel.blocks.retrieval.outline import Heading as Heading, headings as headings
    from windtunnel.blocks.retrieval.random_indexing import RandomIndexing as RandomIndexing
    from windtunnel.blocks.retrieval.rank_fusion import reciprocal_rank_fusion as reciprocal_rank_fusion
    from windtunnel.blocks.retrieval.tokens import (
        TextChunker as TextChunker,
        token_spans as token_spans,
    )

__getattr__, __dir__ = lend(__name__)
