"""Programs and styles without what only readers need: comments and blanks. What they do stays the same.

This is no compressor: names stay, and so do the ends of lines that may end a statement. So it needs to know of
JavaScript only where a text, a template or a pattern begins and ends.
"""

from __future__ import annotations

import re
from typing import Final

WORD: Final = re.compile(r"[\w$]")
BLANKS: Final = re.compile(r"(?:[ \t\r\n]|//[^\n]*|/\*.*?\*/)+", re.DOTALL)
TEXT: Final = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
PATTERN: Final = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*")
BEFORE_PATTERN: Final = re.compile(r"(?:^|[(,=:\[!&|?{};\n]|\breturn|=>)\s*$")
"""Behind what a stroke begins a pattern, and is no division."""
PLAIN: Final = re.compile(r"[^ \t\r\n\"'`/]+(?: [^ \t\r\n\"'`/]+)*")
"""A stretch in which no text, template, pattern or comment begins, with single blanks alone."""
LOOSE: Final = re.compile(r" (?!(?<=[\w$] )[\w$])(?!(?<=\+ )\+)(?!(?<=- )-)")
"""A blank of such a stretch that may go."""
OPENS: Final = "{([,"
"""Behind which a line can be gone on with at once."""


def lean(text: str, kind: str) -> str:
    """A file of this kind, ".js" or ".css"."""
    return script(text) if kind == ".js" else style(text)


def style(text: str) -> str:
    """A style sheet."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s*([{};,])\s*", r"\1", text)
    return re.sub(r";?}", "}", re.sub(r":\s+", ":", re.sub(r"\s+", " ", text))).strip() + "\n"


def script(text: str) -> str:
    """A module of JavaScript."""
    out: list[str] = []
    place = 0
    while place < len(text):
        plain = PLAIN.match(text, place)  # most of it, in one stride
        if plain:
            out.append(LOOSE.sub("", plain[0]))
            place = plain.end()
            continue
        blank = BLANKS.match(text, place)
        if blank:
            place = blank.end()
            out.append(_blank(blank[0], out, text[place : place + 1]))
        elif text[place] == "`":
            end = _template(text, place)
            out.append(text[place:end])
            place = end
        else:
            found = TEXT.match(text, place)
            if found is None and text[place] == "/" and BEFORE_PATTERN.search("".join(out[-12:])[-12:]):
                found = PATTERN.match(text, place)
            out.append(found[0] if found else text[place])
            place += len(out[-1])
    return "".join(out).strip() + "\n"


def _blank(blank: str, out: list[str], after: str) -> str:
    """What has to stay of blanks and comments."""
    before = next((piece[-1] for piece in reversed(out) if piece), "\n")
    if "\n" in blank:
        return "" if before in OPENS or before == "\n" else "\n"
    apart = WORD.match(before) and WORD.match(after)
    return " " if apart or (before == after and before in "+-") else ""


def _template(text: str, place: int) -> int:
    """Where a template ends that begins here, with what is nested in it."""
    place += 1
    while text[place] != "`":
        if text[place] == "\\":
            place += 2
        elif text.startswith("${", place):
            place = _nested(text, place + 2)
        else:
            place += 1
    return place + 1


def _nested(text: str, place: int) -> int:
    depth = 1
    while depth:
        found = TEXT.match(text, place)
        if found:
            place = found.end()
        elif text[place] == "`":
            place = _template(text, place)
        else:
            depth += {"{": 1, "}": -1}.get(text[place], 0)
            place += 1
    return place
