"""What a design is given beside the text, and what its chunks are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from math import log
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from windtunnel.blocks.ground import stable_hash
from windtunnel.blocks.retrieval import token_spans
from windtunnel.blocks.text import Tokenizer

if TYPE_CHECKING:
    import numpy as np

Array: TypeAlias = "np.ndarray[Any, Any]"
DIMENSIONS, SCALE = 256, 16
"""Numbers of a sentence's vector, and what a word's weight is multiplied by before it is rounded."""
STOP_WORDS = (
    *("a", "an", "and", "are", "as", "at", "be", "by", "does", "each", "every", "for", "how", "in", "is", "it", "its"),
    *("no", "nobody", "of", "on", "one", "the", "there", "those", "to", "what", "where", "which"),
)


@cache
def words_of() -> Tokenizer:
    """What cuts documents and questions into words, for the index and for vectors."""
    return Tokenizer(stopwords=STOP_WORDS)


class Chunk(NamedTuple):
    """A place in a document, and other places of it that are put above it: searched with it, and handed over with it.

    Attributes:
        own: where it begins and ends, in characters.
        above: the same of headings, say.
    """

    own: tuple[int, int]
    above: tuple[tuple[int, int], ...] = ()


class Tools:
    """What a design may ask, counted.

    Attributes:
        limit: tokens that a chunk may have, with what is above it.
        embedded: sentences that were embedded so far.
        told: how often the world was asked where topics begin.
    """

    def __init__(self, limit: int, topics: dict[str, list[int]]) -> None:
        self.limit, self._topics = limit, topics
        self.embedded = self.told = 0

    def tokens(self, text: str) -> int:
        """How many tokens a text has."""
        return len(token_spans(text))

    def embed(self, said: Sequence[str]) -> Array:
        """A vector for each sentence of a document: its words by their hashes, weighed by how rare they are in it.

        A word that is in one sentence alone says nothing of others, and is left out.
        """
        import numpy as np

        self.embedded += len(said)
        found = [Counter(stable_hash(word) % DIMENSIONS for word in words_of().tokens(one)) for one in said]
        having = Counter(number for one in found for number in one)
        rows = np.zeros((len(said), DIMENSIONS), np.int64)
        for row, one in zip(rows, found, strict=True):
            for number, times in one.items():
                if having[number] > 1:
                    row[number] = times * round(SCALE * log(len(said) / having[number]))
        return rows

    def topics(self, text: str) -> Sequence[int]:
        """Where each topic of a document begins. Nobody knows that outside of a tunnel."""
        self.told += 1
        return self._topics[text]
