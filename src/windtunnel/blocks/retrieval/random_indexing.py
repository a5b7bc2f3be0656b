"""An encoder that learns from texts what words mean: by the company they keep.

*Random indexing* (Kanerva, Kristoferson and Holst, CogSci 2000): each word has a sparse random vector of its own, and
means the sum of the vectors of all that stands in its texts. Two words that never meet, and keep the same company,
come to mean the same: what a model trained on the text of the web knows of many words, it knows of few. What was not
met is put together from its pieces of three characters (Bojanowski and others, TACL 2017).

All numbers are whole: counts, sums, vectors of bytes from -127 to 127. So a sum is the same in any order, and a vector
the same on every machine.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import whole
from windtunnel.blocks.text.tokenizer import Tokenizer
from windtunnel.portable import each

if TYPE_CHECKING:
    from numpy.typing import NDArray

ONES = 8
"""Numbers of a random vector that are 1 or -1."""
FEWEST = 2
"""A word that fewer texts have is not learned."""
WHOLE = 16
"""What rarity is multiplied with before it is rounded."""
LONGEST, FINE = 127, 1023
"""The length of a vector, rounded; and of its greatest number before its length is taken."""
AT_ONCE = 256
"""Texts that are worked on together: what stands between stays small."""
PIECE = 3


class RandomIndexing(Block):
    """Words and texts as vectors of `dim` whole numbers, (n, dim) float32, each about 127 long; nothing is nought.

    Reading changes it: one thread at a time. Encoding changes nothing.
    """

    def __init__(self, dim: int = 256, *, seed: int = 0, tokenizer: Tokenizer | None = None) -> None:
        """`dim` is 16 to 1,000: products of two vectors are then exact in float32."""
        self.dim = whole(dim, "The number of dimensions", ONES * 2, 1000)
        self.seed = whole(seed, "A seed")
        self.tokenizer = tokenizer or Tokenizer()
        self.texts = 0
        """Texts that were read."""
        self._words: dict[str, int] = {}
        self._pieces: dict[str, int] = {}
        self._vectors: NDArray[Any] | None = None
        self._rarity: list[int] = []
        self._unmet = 0
        """How rare a word is that was not met."""
        self._of_pieces: NDArray[Any] | None = None

    def _told(self) -> dict[str, object]:
        return {"dim": self.dim, "words": len(self._words), "texts": self.texts}

    def read(self, texts: Sequence[str]) -> None:
        """Learn from these texts; what was learned before is forgotten."""
        cut = [self.tokenizer.tokens(text) for text in texts]
        having = Counter(word for words in cut for word in dict.fromkeys(words))
        self.texts = len(cut)
        self._words = {word: at for at, word in enumerate(sorted(w for w in having if having[w] >= FEWEST))}
        self._rarity = _rarities([having[word] for word in self._words], len(cut))
        self._unmet = _rarities([1], max(1, len(cut)))[0]
        self._vectors = _unit(self._company(cut))
        self._learn_pieces()

    def _company(self, cut: Sequence[Sequence[str]]) -> NDArray[Any]:
        """For each word the sum of the vectors of its texts' words, less what chance would give it: (words, dim).

        A word counts for its company by its rarity. All words together keep a company, and a word as frequent as this
        one, of no meaning, would have its part of that.
        """
        import numpy as np

        luck = np.random.default_rng(self.seed)
        own = np.zeros((len(self._words), self.dim))
        for row in own:
            row[luck.permutation(self.dim)[:ONES]] = luck.integers(0, 2, ONES) * 2 - 1
        own *= np.array(self._rarity).reshape(-1, 1)
        found, times = np.zeros_like(own), np.zeros(len(own))
        for first in range(0, len(cut), AT_ONCE):
            known = [[self._words[w] for w in words if w in self._words] for words in cut[first : first + AT_ONCE]]
            flat = np.array([one for words in known for one in words], np.int64)
            if not len(flat):
                continue
            of_text = np.repeat(np.arange(len(known)), [len(words) for words in known])
            sums = _sums(own[flat], of_text, len(known))
            found += _sums(sums[of_text], flat, len(own))
            times += np.bincount(flat, minlength=len(own))
        expected = np.outer(times, found.sum(axis=0))
        company: NDArray[Any] = found * times.sum() - expected
        return company

    def _learn_pieces(self) -> None:
        """For each piece the sum of the words that have it."""
        import numpy as np

        pieces = [_pieces(word) for word in self._words]
        having = Counter(piece for some in pieces for piece in some)
        self._pieces = {piece: at for at, piece in enumerate(sorted(having))}
        rarity = _rarities([having[piece] for piece in self._pieces], len(self._words))
        flat = np.array([self._pieces[piece] for some in pieces for piece in some], np.int64)
        of_word = np.repeat(np.arange(len(pieces)), [len(some) for some in pieces])
        sums = _sums(self._known()[of_word], flat, len(self._pieces))
        self._of_pieces = _unit(sums) * np.array(rarity).reshape(-1, 1)

    def _known(self) -> NDArray[Any]:
        if self._vectors is None:
            raise ValueError("It has read nothing yet: give it texts to read.")
        return self._vectors

    def words(self, text: str) -> tuple[NDArray[Any], NDArray[Any]]:
        """The vector of each word of a text, (words, dim), and how rare each is, (words,)."""
        return self._of(self.tokenizer.tokens(text))

    def _of(self, words: Sequence[str]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The vectors of these words, and how rare they are."""
        import numpy as np

        known = self._known()
        numbers = np.array([self._words.get(word, -1) for word in words], np.int64)
        if not len(self._words):
            return np.zeros((len(words), self.dim), np.float32), np.full(len(words), float(self._unmet))
        found: NDArray[Any] = known[numbers]
        unmet = [at for at, number in enumerate(numbers.tolist()) if number < 0]
        if unmet:
            found[unmet] = self._composed([words[at] for at in unmet])
        return found, np.where(numbers < 0, self._unmet, np.array(self._rarity, np.float64)[numbers])

    def _composed(self, words: Sequence[str]) -> NDArray[Any]:
        """What words mean that were not met, by their pieces."""
        import numpy as np

        assert self._of_pieces is not None
        pieces = [[self._pieces[piece] for piece in _pieces(word) if piece in self._pieces] for word in words]
        flat = np.array([piece for some in pieces for piece in some], np.int64)
        of_word = np.repeat(np.arange(len(words)), [len(some) for some in pieces])
        return _unit(_sums(self._of_pieces[flat], of_word, len(words)))

    def encode(self, texts: Sequence[str]) -> NDArray[Any]:
        """The vector of each text, (n, dim): the sum of its words', each by its rarity. Without words it is nought."""
        import numpy as np

        found = np.zeros((len(texts), self.dim), np.float32)
        for first in range(0, len(texts), AT_ONCE):
            cut = [self.tokenizer.tokens(text) for text in texts[first : first + AT_ONCE]]
            vectors, rarity = self._of([word for words in cut for word in words])
            of_text = np.repeat(np.arange(len(cut)), [len(words) for words in cut])
            found[first : first + len(cut)] = _unit(_sums(vectors * rarity[:, None], of_text, len(cut)))
        return found


def _pieces(word: str) -> list[str]:
    """Three characters at a time, with marks where the word begins and ends; each once."""
    marked = f"<{word}>"
    return list(dict.fromkeys(marked[i : i + PIECE] for i in range(len(marked) - PIECE + 1)))


def _rarities(having: Sequence[int], of: int) -> list[int]:
    """How rare each is of which so many `of` all have one: a logarithm, as a whole number."""
    import numpy as np

    found: list[int] = np.rint(WHOLE * each(math.log, 1 + of / np.array(having, np.float64))).astype(int).tolist()
    return found


def _sums(rows: NDArray[Any], groups: NDArray[Any], many: int) -> NDArray[Any]:
    """The sum of the rows of each group, (many, dim). Whole numbers: the order makes no difference."""
    import numpy as np

    found = np.zeros((many, rows.shape[1]))
    if len(rows):
        if (groups[1:] < groups[:-1]).any():
            order = np.argsort(groups, kind="stable")
            rows, groups = rows[order], groups[order]
        first = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
        found[groups[first]] = np.add.reduceat(rows, first, axis=0, dtype=np.float64)
    return found


def _unit(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows of whole numbers in the same direction, `LONGEST` long but for rounding; noughts stay.

    Their greatest number is brought to `FINE` first, so that sums of squares are exact.
    """
    import numpy as np

    greatest = np.abs(rows).max(axis=1, keepdims=True)
    fine = np.rint(rows * FINE / np.where(greatest, greatest, 1))
    length = np.sqrt((fine * fine).sum(axis=1, keepdims=True))
    found: NDArray[Any] = np.rint(LONGEST * fine / np.where(length, length, 1)).astype(np.float32)
    return found
