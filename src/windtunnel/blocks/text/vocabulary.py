"""Words and their numbers: 0, 1, 2 and so on in the order in which they were met."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.text.tokenizer import Tokenizer, character_classes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Vocabulary(Block):
    """Numbers the words that a tokenizer cuts. One thread at a time.

    The tokenizer's stop words are the first numbers; they are numbered and never reported.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        import numpy as np

        self.tokenizer = tokenizer
        self._classes = np.frombuffer(character_classes(), np.uint8)
        self._slots = np.full(64, -1, np.int32)
        self._hashes = np.zeros(32, np.uint64)
        self._ends = np.zeros(33, np.int64)
        self._characters = np.zeros(256, np.uint32)
        self._used = np.zeros(2, np.int64)
        self._hidden = 0
        self._number([" ".join(sorted(tokenizer.stopwords))], learn=True)
        self._hidden = len(self)

    def _told(self) -> dict[str, object]:
        return {"words": len(self)}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_classes"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        import numpy as np

        vars(self).update(state, _classes=np.frombuffer(character_classes(), np.uint8))

    def __len__(self) -> int:
        """Words met so far, stop words included."""
        return int(self._used[0])

    def word(self, number: int) -> str:
        """The word of a number. Raises `IndexError` if there is none."""
        if not 0 <= number < len(self):
            raise IndexError(f"There is no word {number}; there are {len(self)}.")
        code_points: NDArray[Any] = self._characters[self._ends[number] : self._ends[number + 1]]
        return code_points.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")

    def learn(self, texts: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The numbers of all words of all texts in order, and how many each text has. New words get new numbers."""
        return self._number(texts, learn=True)

    def look_up(self, texts: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """As `learn`, but words that were never met are -1."""
        return self._number(texts, learn=False)

    def _number(self, texts: Sequence[str], *, learn: bool) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        import numpy as np

        from windtunnel.blocks.text.kernels.tokenizer import number_words

        codes, starts = self.tokenizer.codes(texts)
        numbers = np.empty(len(codes), np.int32)
        counts = np.zeros(len(texts), np.int64)
        text, written = 0, 0
        while True:
            arrays = self._slots, self._hashes, self._ends, self._characters, self._used
            text, written = number_words(
                codes, starts, text, written, self._classes, *arrays, self._hidden, learn, numbers, counts
            )
            if text == len(texts):
                return numbers[:written], counts
            self._grow(int(starts[text + 1] - starts[text]))

    def _grow(self, more: int) -> None:
        """Make room for a text of `more` characters, each of which might be a new word."""
        import numpy as np

        from windtunnel.blocks.text.kernels.tokenizer import fill_slots

        words, characters = self._used.tolist()
        if characters + more > len(self._characters):
            self._characters = _longer(self._characters, characters + more)
        if words + more > len(self._hashes):
            self._hashes = _longer(self._hashes, words + more)
            self._ends = _longer(self._ends, len(self._hashes) + 1)
            self._slots = np.full(1 << (2 * len(self._hashes) - 1).bit_length(), -1, np.int32)
            fill_slots(self._hashes, words, self._slots)


def _longer(array: NDArray[Any], least: int) -> NDArray[Any]:
    """The array with room for `least` items, and at least twice its own."""
    import numpy as np

    grown = np.zeros(max(least, 2 * len(array)), array.dtype)
    grown[: len(array)] = array
    return grown
