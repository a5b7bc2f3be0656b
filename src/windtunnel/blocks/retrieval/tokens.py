"""Where the tokens of a text lie: the measure by which chunks are cut and budgets are spent.

A token is a run of letters, marks and numbers, of at most `LONGEST` letters (a longer word is several tokens, as it is
for the models); a sign of Han or Hiragana; or any other sign that is seen, of which a run of one and the same counts
once. White space is in no token. English text has one for four to five characters.

What a reader sees as one sign is never parted: a letter and its accents, the halves of a flag, a family joined from
four people, the two halves of a surrogate pair, a syllable of Hangul in parts. Two marks of Unicode's UAX #29 are left
out: signs that join what follows them (Arabic number signs), and conjuncts of Indic letters, which are cut only where
a word is longer than `LONGEST`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Protocol

from windtunnel.blocks.ground.numbers import whole
from windtunnel.blocks.text.tokenizer import IDEOGRAPHS

Span = tuple[int, int]
"""Where something begins and ends in a text, in characters of Python."""
LONGEST = 12
"""Letters that a token has at most."""

_ASCII = re.compile(rf"[0-9A-Za-z]{{1,{LONGEST}}}|([^\s0-9A-Za-z])\1{{0,{LONGEST - 1}}}")
_TOKEN = re.compile(
    rf"w[mj]*(?:w[mj]*){{0,{LONGEST - 1}}}|i[mj]*|(?:rr|hl|[prhl])(?:m|j[prhl]?)*|(?:cn|[scn])?[mj]+",
)
"""Of the kinds of characters, see `_kind`."""
_SIGN = re.compile(r"(?:cn|rr|hl|[^mj])(?:m|j[prhl]?)*|[mj]+")
_EXTENDS = ((0x1160, 0x11FF), (0xD7B0, 0xD7FF), (0xFF9E, 0xFF9F), (0x1F3FB, 0x1F3FF))
"""Letters and signs that go on with what stands before: vowels and ends of Hangul, Kana marks, tones of skin."""


class TextChunker(Protocol):
    """Cuts a text for a search."""

    def chunks(self, text: str) -> list[Span]:
        """Where each chunk begins and ends; both ascend.

        The first begins at 0, the last ends at the end, and none begins behind the end of the one before: nothing of
        the text is left out. Where chunks do not overlap, they are the text when put one behind the other. An empty
        text has none.
        """


def token_spans(text: str) -> list[Span]:
    """Where each token begins and ends, in time that grows with the text. Raises `ValueError` for what is no `str`."""
    if text_of(text).isascii():
        return [found.span() for found in _ASCII.finditer(text)]
    return list(_run_together(text, _kinds(text)))


def sign_starts(text: str) -> list[int]:
    """Where each sign begins that a reader sees as one, white space too."""
    return [found.start() for found in _SIGN.finditer(_kinds(text_of(text)))]


def text_of(text: str) -> str:
    """The text itself; `ValueError` for anything else."""
    if not isinstance(text, str):
        raise ValueError(f"A text is a str, not {text!r:.60}.")
    return text


def checked_sizes(limit: int, overlap: int) -> tuple[int, int]:
    """Tokens of a chunk and of what it shares with the one before, as plain numbers; else `ValueError`."""
    limit, overlap = whole(limit, "The limit", 1), whole(overlap, "The overlap")
    if overlap >= limit:
        raise ValueError(f"Chunks overlap by less than their limit, or none is ever new: {overlap} of {limit} tokens.")
    return limit, overlap


def _run_together(text: str, kinds: str) -> Iterator[Span]:
    """Tokens, of which those that are one and the same sign again and again are one."""
    first, last = -1, -1
    for found in _TOKEN.finditer(kinds):
        start, end = found.span()
        alone = end == start + 1 and kinds[start] == "p"
        if alone and start == last and text[start] == text[first] and end - first <= LONGEST:
            last = end
            continue
        if first >= 0:
            yield first, last
        first, last = start, end
        if not alone:
            yield first, last
            first = last = -1
    if first >= 0:
        yield first, last


def _kinds(text: str) -> str:
    """For each character a letter that says how it stands with its neighbours."""
    return text.translate({ord(one): _kind(one) for one in set(text)})


def _kind(character: str) -> str:
    """`w`ord, `i`deograph, `m`ark that goes on with what stands before, `j`oiner, `r`egional half of a flag, `h`igh and
    `l`ow half of a surrogate pair, `c`arriage return, `n`ew line, other `s`pace, or `p`: any other sign."""
    code = ord(character)
    if character in "\r\n":
        return "c" if character == "\r" else "n"
    if character.isspace():
        return "s"
    category = unicodedata.category(character)
    if category == "Cs":
        return "h" if code < 0xDC00 else "l"
    if category[0] == "M" or any(first <= code <= last for first, last in _EXTENDS):
        return "m"
    if category == "Cf" and code != 0x200B:  # unseen; U+200B is a space of no width
        return "j" if code == 0x200D else "m"
    if any(first <= code <= last for first, last in IDEOGRAPHS):
        return "i"
    if category[0] in "LN":
        return "w"
    return "r" if 0x1F1E6 <= code <= 0x1F1FF else "p"
