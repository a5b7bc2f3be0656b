"""Text to words, in any script, by rules that fit on a page.

1. *Fold*: Unicode's compatibility form and case folding (NFKC, casefold, NFKC), so that `ﬁne`, `FINE` and `fine`
   are one word, and `STRASSE` is `straße`. What is not seen is dropped, as in Unicode's NFKC_Casefold: soft hyphens,
   joiners, the selectors behind emoji. With `accents=False` marks are taken off too: `café` is `cafe`.
2. *Cut*: a word is a longest run of letters, marks and numbers (general categories L, M, N), of which the first is no
   mark. Everything else separates, the apostrophe and the underscore too: `don't` is `don` and `t`.
3. *Ideographs stand alone*: Han and Hiragana are written without spaces, so each sign is a word, as in Unicode's UAX
   #29. Scripts that need a dictionary (Thai, Lao, Khmer) are cut at spaces only.
4. *Stop words* are dropped. Words are not stemmed: `run` does not find `running`.

Tokenizing must not change between indexing and searching; the version of Unicode is Python's.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from windtunnel.blocks.ground.block import Block

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Codes = NDArray[np.uint8] | NDArray[np.uint32]

SEPARATOR, LETTER, ALONE = 0, 1, 2
"""The class of a character: between words, in a word, a word of its own."""

IDEOGRAPHS = ((0x3041, 0x309F), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
"""First and last characters of Hiragana and of the blocks of Han."""
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200c-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Default_Ignorable_Code_Point, but for U+200B: scripts without spaces are cut by it, so it separates."""
_ASCII_WORD = re.compile("[0-9a-z]+")


class Tokenizer(Block):
    """Cuts texts into words. Has no state: safe for threads and tasks."""

    def __init__(self, *, stopwords: Iterable[str] = (), accents: bool = True) -> None:
        """`stopwords` are folded as texts are; each must be one word (`ValueError`)."""
        if isinstance(stopwords, str):
            raise ValueError("Give a list of stop words, not one text: its letters would be the words.")
        self.accents = bool(accents)
        folded = {word: cut(self.fold(word)) for word in stopwords}
        for word, parts in folded.items():
            if len(parts) != 1:
                raise ValueError(f"A stop word is one word; {word!r} is {len(parts)}.")
        self.stopwords = frozenset(parts[0] for parts in folded.values())

    def _told(self) -> dict[str, object]:
        return {"stopwords": len(self.stopwords), "accents": self.accents}

    def tokens(self, text: str) -> list[str]:
        """The words of a text, in order."""
        return [word for word in cut(self.fold(text)) if word not in self.stopwords]

    def fold(self, text: str) -> str:
        """The text in the form in which words are compared."""
        if not isinstance(text, str):
            raise ValueError(f"A text is a str, not {text!r:.60}.")
        if text.isascii():
            return text.lower()
        folded = _UNSEEN.sub("", unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).casefold())
        folded = unicodedata.normalize("NFKC", folded)
        if self.accents:
            return _lone_marks().sub(" ", folded)
        bare = (c for c in unicodedata.normalize("NFKD", folded) if unicodedata.category(c) != "Mn")
        return _lone_marks().sub(" ", unicodedata.normalize("NFKC", "".join(bare)))

    def codes(self, texts: Sequence[str]) -> tuple[Codes, NDArray[np.int64]]:
        """The folded texts one after another as code points, and where each begins, with the end of the last."""
        import numpy as np

        joined = "".join(texts)
        if joined.isascii():
            lengths = [*map(len, texts)]
            codes: Codes = np.frombuffer(joined.lower().encode("ascii"), np.uint8)
        else:
            folded = [self.fold(text) for text in texts]
            lengths = [*map(len, folded)]
            codes = np.frombuffer("".join(folded).encode("utf-32-le", "surrogatepass"), "<u4")
        starts = np.zeros(len(texts) + 1, np.int64)
        np.cumsum(lengths, out=starts[1:])
        return codes, starts


def cut(folded: str) -> list[str]:
    """The words of a folded text."""
    return (_ASCII_WORD if folded.isascii() else _pattern()).findall(folded)


@cache
def _lone_marks() -> re.Pattern[str]:
    """What matches marks behind no letter, number or mark that a word could go on from: they belong to no word."""
    table = character_classes()
    marks = bytes(table[code] == LETTER and unicodedata.category(chr(code))[0] == "M" for code in range(len(table)))
    return re.compile(f"(?<![{_ranges(table, (LETTER,))}])[{_ranges(marks, (True,))}]+")


def _ranges(table: bytes, classes: tuple[int, ...]) -> str:
    """The characters of some classes, as the inside of a set of a pattern."""
    found, first = list[str](), 0
    for code in range(1, len(table) + 1):
        if code == len(table) or table[code] != table[first]:
            if table[first] in classes:
                found.append(f"\\U{first:08x}-\\U{code - 1:08x}")
            first = code
    return "".join(found)


@cache
def _pattern() -> re.Pattern[str]:
    """What matches a word, as ranges of characters of one class."""
    table = character_classes()
    return re.compile(f"[{_ranges(table, (ALONE,))}]|[{_ranges(table, (LETTER,))}]+")


@cache
def character_classes() -> bytes:
    """The class of every code point; made once, in about a fifth of a second."""
    table = bytearray(unicodedata.category(chr(code))[0] in "LMN" for code in range(sys.maxunicode + 1))
    for first, last in IDEOGRAPHS:
        for code in range(first, last + 1):
            table[code] *= ALONE
    return bytes(table)
