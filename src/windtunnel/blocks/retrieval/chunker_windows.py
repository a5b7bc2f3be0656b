"""Chunks of one size, whatever stands in them."""

from __future__ import annotations

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import whole
from windtunnel.blocks.retrieval.tokens import Span, checked_sizes, sign_starts, text_of, token_spans


class CharacterChunker(Block):
    """Cuts after so many characters, within words too. Has no state: safe for threads and tasks."""

    def __init__(self, size: int) -> None:
        """`size`: characters of a chunk at most; a sign that has more (a letter with many accents) is not parted."""
        self.size = whole(size, "The size", 1)

    def _told(self) -> dict[str, object]:
        return {"size": self.size}

    def chunks(self, text: str) -> list[Span]:
        """Where each chunk begins and ends; together they are the text."""
        found: list[Span] = []
        if text_of(text).isascii() and "\r" not in text:
            return [(start, min(start + self.size, len(text))) for start in range(0, len(text), self.size)]
        begin, last = 0, 0
        for start in [*sign_starts(text), len(text)]:
            if start - begin > self.size and last > begin:
                found.append((begin, last))
                begin = last
            last = start
        return [*found, (begin, len(text))] if text else found


class TokenChunker(Block):
    """Cuts after so many tokens, each chunk beginning `overlap` tokens before the one before it ends.

    Has no state: safe for threads and tasks.
    """

    def __init__(self, limit: int, overlap: int = 0) -> None:
        """`limit`: tokens of a chunk at most; `overlap`: those shared with the one before, fewer (`ValueError`)."""
        self.limit, self.overlap = checked_sizes(limit, overlap)

    def _told(self) -> dict[str, object]:
        return {"limit": self.limit, "overlap": self.overlap}

    def chunks(self, text: str) -> list[Span]:
        """Where each chunk begins and ends: at the beginnings of tokens; white space stays with what it follows."""
        starts = [start for start, _ in token_spans(text)]
        many, step = len(starts), self.limit - self.overlap
        if many <= self.limit:
            return [(0, len(text))] if text else []
        begins = range(0, many - self.overlap, step)
        starts[0], ends = 0, [*starts, len(text)]
        return [(starts[begin], ends[min(begin + self.limit, many)]) for begin in begins]
