"""Byte-level byte-pair encoding by the vocabulary of a GGUF file (Sennrich and others, 2016; Radford and others, 2019).

A text is cut into words, and each word into bytes; then the pair that stands first in the file's list of merges becomes
one, again and again, until no pair is in the list. The vocabulary writes bytes as letters, so that all of it is text.

Not borrowed: the library that does this is `tokenizers`, which brings a client of a model hub and a dozen packages with
it. `tests/serve/test_serve_live.py` holds this to it where it is installed.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence as List
from functools import cache
from heapq import heapify, heappop, heappush
from itertools import groupby

from windtunnel.serve.tokens import utf8

SPACE = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
GPT_2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?{L}+| ?{N}+| ?[^{s}{l}{n}]+|[{s}]+(?![^{s}])|[{s}]+"
"""How GPT-2 cuts texts into words: letters, numbers and the rest apart, a space with what follows it."""
WORDS = {"gpt-2": GPT_2, "smollm": GPT_2}
"""By the name in a file. SmolLM takes each digit apart before."""
CONTROL, OF_A_USER, UNUSED = 3, 4, 5
"""Kinds of tokens: the first two are written as they are, and stand for themselves."""


class BytePairs:
    """The tokens of a vocabulary.

    Args:
        words: each token as the file writes it.
        merges: pairs that become one, as "left right", the first first.
        kinds: of each token; 3 and 4 are found in a text as they are written, and 3 says nothing.
        cut: how texts are cut into words: a key of `WORDS`.
        first: the token that stands before every prompt, if one does.
        ends: tokens that end an answer.

    Raises:
        ValueError: for a way to cut that is not known here.
    """

    def __init__(
        self,
        words: List[str],
        merges: Iterable[str],
        kinds: List[int],
        cut: str = "gpt-2",
        first: int | None = None,
        ends: Iterable[int] = (),
    ) -> None:
        if cut not in WORDS:
            raise ValueError(f"Texts of this model are cut as {cut!r}; what is known here is {', '.join(WORDS)}.")
        self._first, self.ends = first, frozenset(ends)
        letters = letters_of_bytes()
        back = {letter: byte for byte, letter in enumerate(letters)}
        self._digits = cut == "smollm"
        self._cut = re.compile(_classes(WORDS[cut]))
        self._bytes = list[bytes]()
        self._token: dict[str, int] = {}
        marks: dict[str, int] = {}
        for token, (word, kind) in enumerate(zip(words, kinds, strict=True)):
            if kind in (CONTROL, OF_A_USER):
                marks[word] = token
                self._bytes.append(b"" if kind == CONTROL else word.encode())
            elif kind == UNUSED:
                self._bytes.append(b"")
            else:
                self._token[word] = token
                plain = all(letter in back for letter in word)
                self._bytes.append(bytes(map(back.__getitem__, word)) if plain else word.encode())
        self._letters = letters
        pairs = (tuple(merge.split(" ")) for merge in merges)
        self._rank = {pair: rank for rank, pair in enumerate(pairs) if "".join(pair) in self._token}
        self.marks = marks
        """Tokens that control, by how they are written."""
        self._marked = re.compile("|".join(map(re.escape, sorted(marks, key=len, reverse=True))) or r"(?!)")
        self.longest = max(map(len, self._bytes + [mark.encode() for mark in marks]))

    def begin(self) -> list[int]:
        """The token that stands before every prompt, where the model was taught with one."""
        return [] if self._first is None else [self._first]

    def bytes_of(self, token: int) -> bytes:
        """What a token says."""
        return self._bytes[token]

    def encode(self, text: str, marks: bool) -> list[int]:
        """The tokens of a text; with `marks` those that control are found in it.

        Raises ValueError for no text, and for a byte that the vocabulary lacks: few have those that hardly occur.
        """
        utf8(text)
        if not marks:
            return self._plain(text)
        found, at = list[int](), 0
        for mark in self._marked.finditer(text):
            found += self._plain(text[at : mark.start()])
            found.append(self.marks[mark[0]])
            at = mark.end()
        return found + self._plain(text[at:])

    def _plain(self, text: str) -> list[int]:
        parts = [text]
        if self._digits:
            runs = ((digits, "".join(run)) for digits, run in groupby(text, _is_number))
            parts = [part for digits, run in runs for part in (list(run) if digits else [run])]
        return [token for part in parts for word in self._cut.findall(part) for token in self._merged(word)]

    def _merged(self, word: str) -> list[int]:
        """The tokens of one word: of all pairs in it the first in the list is merged, the leftmost of equals."""
        parts: list[str | None] = [self._letters[byte] for byte in word.encode()]
        end = len(parts)
        after, before = [*range(1, end), end], [*range(-1, end - 1)]
        ranks = self._rank

        def pair(at: int) -> tuple[int, int, str, str] | None:
            right = after[at]
            left_part, right_part = parts[at], parts[right] if right < end else None
            if left_part is None or right_part is None or (left_part, right_part) not in ranks:
                return None
            return ranks[left_part, right_part], at, left_part, right_part

        heap = [one for one in map(pair, range(end)) if one]
        heapify(heap)
        while heap:
            _, at, left, right = heappop(heap)
            other = after[at]
            if parts[at] != left or other >= end or parts[other] != right:
                continue  # one of the two has been merged with another meanwhile
            parts[at], parts[other] = left + right, None
            after[at] = after[other]
            if after[at] < end:
                before[after[at]] = at
            for changed in (before[at], at):
                if changed >= 0 and (one := pair(changed)):
                    heappush(heap, one)
        rest = [part for part in parts if part is not None]
        if strange := next((part for part in rest if part not in self._token), None):
            byte = self._letters.index(strange)  # all else was merged, so it is a token
            raise ValueError(f"This model has no token for the byte {byte:#04x}, so it cannot read this text.")
        return [self._token[part] for part in rest]


def _is_number(letter: str) -> bool:
    """By its category: for Python 一 is numeric too, and for those who trained such models a letter."""
    return unicodedata.category(letter)[0] == "N"


@cache
def letters_of_bytes() -> tuple[str, ...]:
    """How a vocabulary writes each byte: as itself where it can be seen, else by a letter from U+0100 on."""
    seen = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = [byte for byte in range(256) if byte not in seen]
    return tuple(chr(byte) if byte in seen else chr(256 + others.index(byte)) for byte in range(256))


@cache
def _classes(pattern: str) -> str:
    """A pattern with Unicode's letters (l), numbers (n) and white space (s): `re` has no words for the first two."""
    kinds: dict[str, list[str]] = {"L": [], "N": []}
    every = ((unicodedata.category(chr(code))[0], code) for code in range(sys.maxunicode + 1))
    for kind, run in groupby(every, lambda one: one[0]):
        if kind in kinds:
            codes = [code for _, code in run]
            kinds[kind].append(f"\\U{codes[0]:08x}-\\U{codes[-1]:08x}")
    letters, numbers = "".join(kinds["L"]), "".join(kinds["N"])
    named = {"{L}": f"[{letters}]", "{N}": f"[{numbers}]", "{l}": letters, "{n}": numbers, "{s}": SPACE}
    for name, text in named.items():
        pattern = pattern.replace(name, text)
    return pattern
