"""Chunks that are parts of the text by its own word: sections, lists, pieces of code."""

from __future__ import annotations

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.retrieval.joints import packed, spans_of
from windtunnel.blocks.retrieval.outline import BLOCK, outline_ranks
from windtunnel.blocks.retrieval.tokens import Span, checked_sizes, token_spans


class StructureChunker(Block):
    """Cuts before every heading; within a section between paragraphs, lists and pieces of code as far as has to be, and
    within those between items and lines. A heading stays with what follows it; `headings` says which stand above.

    Has no state: safe for threads and tasks.
    """

    def __init__(self, limit: int) -> None:
        """`limit`: tokens of a chunk at most (`ValueError`)."""
        self.limit, _ = checked_sizes(limit, 0)

    def _told(self) -> dict[str, object]:
        return {"limit": self.limit}

    def chunks(self, text: str) -> list[Span]:
        """Where each chunk begins and ends: at the beginnings of tokens. Together they are the text."""
        tokens = token_spans(text)
        return spans_of(text, tokens, packed(outline_ranks(text, tokens), self.limit, apart=BLOCK - 1))
