"""Texts to tokens and back, where a token is a byte: for a model that has learnt nothing, and so has no words."""

from __future__ import annotations

from typing import Protocol


class Tokens(Protocol):
    """How a model's texts are cut into tokens."""

    ends: frozenset[int]
    """Tokens that end an answer, and are no part of its text."""
    longest: int
    """Bytes of the longest token."""

    def encode(self, text: str, marks: bool) -> list[int]:
        """The tokens of a text. With `marks` what looks like a control token is one; without it is text.

        Raises ValueError for what is no text: half of a surrogate pair.
        """

    def begin(self) -> list[int]:
        """What stands before every prompt."""

    def bytes_of(self, token: int) -> bytes:
        """What a token says; nothing, where it controls and is not read."""


class ByteTokens:
    """256 bytes, and one token that ends an answer.

    >>> ByteTokens().encode("hé", marks=True)
    [104, 195, 169]
    """

    END = 256
    ends = frozenset({END})
    longest = 1

    def encode(self, text: str, marks: bool) -> list[int]:
        """Its bytes in UTF-8."""
        return list(utf8(text))

    def begin(self) -> list[int]:
        """Nothing, so that an empty prompt has to be refused."""
        return []

    def bytes_of(self, token: int) -> bytes:
        """One byte; none of the last token."""
        return bytes([token]) if token < self.END else b""


def utf8(text: str) -> bytes:
    """Its bytes. Raises ValueError for half of a surrogate pair, which JSON can say and UTF-8 cannot."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"Character {error.start} is half of a surrogate pair, and no text.") from None
