"""What a text with marks (Markdown, reStructuredText) says of its own parts: headings, lists, tables, code.

Lines are looked at one by one, and the line before and the line behind; nothing is parsed. A heading is a line with
`#` before it, or one of its own with a line of one sign below it, whose depth is the order in which such signs come up.
Code stands between fences of backticks or tildes: in it a `#` is no heading and an empty line no end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from windtunnel.blocks.retrieval.joints import LINE, NOTHING, SPACE, ranks
from windtunnel.blocks.retrieval.tokens import Span, text_of

DEEPEST = 6
"""Headings have depths of 1 to so many."""
BLOCK, ITEM, ROW = DEEPEST, DEEPEST + 1, DEEPEST + 2
"""Ranks of joints, behind those of headings (depth - 1): between paragraphs, lists and pieces of code; before an item
of a list, and between a list or code and the line that announces it with a colon; before a line."""
WORSE = ROW - LINE
"""What is added to a plain rank."""
TOGETHER = SPACE + WORSE
"""Between a heading and its text, and within a fence: only a word is a worse place."""

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]|$)")
_UNDER = re.compile(r" {0,3}([=\-~^\"*+#'`:._])\1{2,}[ \t]*$")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_ENTRY = re.compile(r"[ \t]*(?:[-*+•]|\d{1,9}[.)])[ \t]+\S|[ \t]*\|")


class Heading(NamedTuple):
    """A heading: where its line lies, without its end, and its depth, 1 for the highest."""

    start: int
    end: int
    depth: int


class Line(NamedTuple):
    """A line that is not empty: where it begins, what it is, and whether an empty one stands before it.

    Attributes:
        kind: "text", "heading", "under" (the line below a heading), "entry" (of a list or table), "open" and "close" (a
            fence), "code".
        depth: of a heading.
        colon: whether it ends with one.
    """

    start: int
    end: int
    kind: str
    depth: int
    parted: bool
    colon: bool


def headings(text: str) -> list[Heading]:
    """The headings of a text, in order."""
    return [Heading(one.start, one.end, one.depth) for one in lines_of(text_of(text)) if one.kind == "heading"]


def lines_of(text: str) -> Iterator[Line]:
    """All lines but the empty ones."""
    signs: list[str] = []
    fence, begun, parted = "", 0, True
    lines = text.splitlines(keepends=True)
    under = False
    for number, whole_line in enumerate(lines):
        start, line = begun, whole_line.rstrip()
        begun += len(whole_line)
        if not line:
            parted = True
            continue
        kind, depth = "text", 0
        opened = _FENCE.match(line)
        if fence:
            closes = opened and opened[1].startswith(fence) and line.strip() == opened[1]
            kind, fence = ("close", "") if closes else ("code", fence)
        elif under:
            kind, under = "under", False
        elif opened:
            kind, fence = "open", opened[1]
        elif marked := _ATX.match(line):
            kind, depth = "heading", len(marked[1])
        elif parted and (below := _below(lines, number)):
            if below not in signs:
                signs.append(below)
            kind, depth, under = "heading", min(DEEPEST, signs.index(below) + 1), True
        elif _ENTRY.match(line):
            kind = "entry"
        yield Line(start, start + len(line), kind, depth, parted, line.endswith(":"))
        parted = False


def _below(lines: Sequence[str], number: int) -> str:
    """The sign of which the next line is made, if that underlines this one."""
    if number + 1 >= len(lines):
        return ""
    under = _UNDER.match(lines[number + 1].rstrip("\r\n"))
    line = lines[number].strip()
    long = len(line) <= len(lines[number + 1].strip()) + 2
    return under[1] if under and long and not _UNDER.match(line) and not _ENTRY.match(line) else ""


def outline_ranks(text: str, tokens: Sequence[Span]) -> list[int]:
    """The rank of the joint before each token: of a heading its depth less one, then `BLOCK`, `ITEM`, `ROW`, and the
    plain ranks of sentences, clauses and words."""
    plain = ranks(text, tokens)
    found = [NOTHING + WORSE if rank == NOTHING else max(rank, LINE) + WORSE for rank in plain]
    at, before = 0, None
    for line in lines_of(text):
        while at < len(tokens) and tokens[at][0] < line.start:
            at += 1
        if at == len(tokens) or tokens[at][0] >= line.end:
            continue  # a line that has nothing but what goes on from the line before
        found[at] = _before(line, before)
        before = line
    return found


def _before(line: Line, before: Line | None) -> int:
    """The rank of the joint before a line."""
    if before is None:
        return 0
    if before.kind in ("heading", "under") or line.kind in ("under", "close"):
        return TOGETHER
    if line.kind == "heading":
        return line.depth - 1
    if line.kind == "code":
        return TOGETHER if before.kind == "open" else ITEM if line.parted else ROW
    if line.kind == "entry":
        return ITEM if before.kind == "entry" or before.colon or not line.parted else BLOCK
    if line.kind == "open":
        return ITEM if before.colon else BLOCK
    return BLOCK if line.parted or before.kind == "close" else ROW
