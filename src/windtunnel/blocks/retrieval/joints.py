"""Where a text may be cut, and how gladly: between two tokens there is a joint, and each joint has a rank.

The lower the rank the better the place. `packed` cuts at the best joints first and at worse ones only within what is
still too long, which is the recursive splitting of many libraries in one pass over ranks instead of over separators:
nothing is taken out of the text and put back, so that no separator is lost and every place is exact.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from windtunnel.blocks.retrieval.tokens import Span

PARAGRAPH, LINE, SENTENCE, CLAUSE, SPACE, NOTHING = range(6)
"""Ranks: an empty line, the end of a line, of a sentence, of a clause, white space, none."""

_LINE_END = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CLOSING = "\"')]}»’”"
_SENTENCE, _CLAUSE = ".!?…", ",;:–—"
_WIDE_SENTENCE, _WIDE_CLAUSE = "。！？", "、，；："
"""Behind them no space follows."""


def ranks(text: str, tokens: Sequence[Span]) -> list[int]:
    """The rank of the joint before each token; of the first it is `PARAGRAPH`."""
    found = [PARAGRAPH] * min(1, len(tokens))
    for (_, end), (start, _) in pairwise(tokens):
        found.append(_rank(text, end, start))
    return found


def _rank(text: str, end: int, start: int) -> int:
    """Of the joint between a token that ends here and one that starts there."""
    if end < start and (lines := len(_LINE_END.findall(text, end, start))):
        return PARAGRAPH if lines > 1 else LINE
    before = end - 1
    while before > end - 4 and before > 0 and text[before] in _CLOSING:
        before -= 1
    if text[before] in _WIDE_SENTENCE and text[start] not in _CLOSING:
        return SENTENCE
    if end == start:
        return CLAUSE if text[before] in _WIDE_CLAUSE else NOTHING
    if text[before] in _SENTENCE and not text[start].islower():
        return SENTENCE
    return CLAUSE if text[before] in _CLAUSE else SPACE


def packed(found: Sequence[int], limit: int, apart: int = -1) -> list[int]:
    """The tokens with which chunks begin, none of them longer than `limit` tokens.

    Pieces between joints of one rank are put together as long as they fit; one that is too long is cut at joints of the
    next. Joints of rank `apart` and less are always cut.
    """
    begins: list[int] = []
    todo = [(0, len(found), 0)]
    while todo:
        first, last, rank = todo.pop()
        if last - first <= limit and rank > apart:
            begins.append(first)
            continue
        pieces = [first, *(at for at in range(first + 1, last) if found[at] <= rank), last]
        inside: list[tuple[int, int, int]] = []
        begin = first
        for at, end in pairwise(pieces):
            if rank <= apart or end - at > limit:
                if at > begin:
                    inside.append((begin, at, rank + 1))
                inside.append((at, end, rank + 1))
                begin = end
            elif end - begin > limit:
                inside.append((begin, at, rank + 1))
                begin = at
        if last > begin:
            inside.append((begin, last, rank + 1))
        todo += reversed(inside)
    return begins if found else []


def reaching_back(found: Sequence[int], begins: Sequence[int], overlap: int) -> list[int]:
    """The same chunks, each begun up to `overlap` tokens earlier: at the best joint there, of equal ones the first."""
    earlier = list(begins[:1])
    for before, begin in pairwise(begins):
        least = max(before + 1, begin - overlap)
        earlier.append(min(range(least, begin + 1), key=lambda at: (found[at], at)) if least < begin else begin)
    return earlier


def spans_of(text: str, tokens: Sequence[Span], begins: Sequence[int], earlier: Sequence[int] = ()) -> list[Span]:
    """Where chunks lie that begin with these tokens, or earlier; white space stays with what it follows."""
    if not tokens:
        return [(0, len(text))] if text else []
    ends = [*(tokens[at][0] for at in begins[1:]), len(text)]
    starts = [0, *(tokens[at][0] for at in (earlier or begins)[1:])]
    return list(zip(starts, ends, strict=True))
