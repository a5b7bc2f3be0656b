"""Chunks that end where a paragraph does, or else a line, a sentence, a clause, a word."""

from __future__ import annotations

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.retrieval.joints import packed, ranks, reaching_back, spans_of
from windtunnel.blocks.retrieval.tokens import Span, checked_sizes, token_spans


class RecursiveChunker(Block):
    """Cuts at empty lines, and what is still too long at ends of lines, of sentences, of clauses, of words.

    Has no state: safe for threads and tasks.
    """

    def __init__(self, limit: int, overlap: int = 0) -> None:
        """`limit`: tokens of a chunk at most, with up to `overlap` shared with the one before (`ValueError`)."""
        self.limit, self.overlap = checked_sizes(limit, overlap)

    def _told(self) -> dict[str, object]:
        return {"limit": self.limit, "overlap": self.overlap}

    def chunks(self, text: str) -> list[Span]:
        """Where each chunk begins and ends: at the beginnings of tokens."""
        tokens = token_spans(text)
        found = ranks(text, tokens)
        begins = packed(found, self.limit - self.overlap)
        return spans_of(text, tokens, begins, reaching_back(found, begins, self.overlap))
