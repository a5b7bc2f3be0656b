"""The lesson of an experiment as paragraphs, lists and tables: the little markup that docstrings use, and no more."""

from __future__ import annotations

import re
from html import escape
from typing import Final

INLINE: Final = re.compile(r"\*\*(.+?)\*\*|`([^`]+)`")


def html(text: str) -> str:
    """Prose as HTML; whatever else stands in it is shown as it is written."""
    return "\n".join(_block(part) for part in text.split("\n\n") if part.strip())


def _block(text: str) -> str:
    lines = text.splitlines()
    if all(line.startswith("|") for line in lines) and len(lines) > 1:
        return _table(lines)
    if lines[0].startswith("- "):
        items = re.split(r"\n?^- ", text, flags=re.MULTILINE)[1:]
        return "<ul>" + "".join(f"<li>{_inline(' '.join(item.split()))}</li>" for item in items) + "</ul>"
    if any(line.startswith(" ") for line in lines):
        return f"<pre>{escape(text)}</pre>"
    return f"<p>{_inline(' '.join(text.split()))}</p>"


def _table(lines: list[str]) -> str:
    rows = [[_inline(cell.strip()) for cell in line.strip("|").split("|")] for line in lines]
    rows = [row for row in rows if not all(re.fullmatch(r":?-+:?", cell) for cell in row)]
    head, *body = rows
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    return (
        f"<table><thead><tr>{top}</tr></thead><tbody>"
        + "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in body)
        + "</tbody></table>"
    )


def _inline(text: str) -> str:
    """Strong words and code; the rest escaped."""
    found, at = [], 0
    for match in INLINE.finditer(text):
        found.append(escape(text[at : match.start()]))
        found.append(f"<strong>{escape(match[1])}</strong>" if match[1] else f"<code>{escape(match[2])}</code>")
        at = match.end()
    return "".join(found) + escape(text[at:])


def fault(text: str) -> str:
    """What went wrong, as a person says it: "slow server to 0.1, at 10 s" is "server at 0.1 of its speed, at 10 s"."""
    word, _, rest = text.partition(" ")
    told = {
        "slow": (r"^(.+?) to ([\d.]+)", r"\1 at \2 of its speed"),
        "pause": (r"^(.+?)(?=,? at |$)", r"\1 standing still"),
        "crash": (r"^(.+?)(?=,? at |$)", r"\1 being down"),
        "split": (r"^(.+?) \| (.+?)(?=,? at |$)", r"\1 and \2 not hearing each other"),
        "cut": (r"^(.+?) > (.+?)(?=,? at |$)", r"nothing coming from \1 to \2"),
    }.get(word)
    if word == "call":
        return re.sub(
            r" (\w+)\((.*?)\)", lambda m: f": {m[1].replace('_', ' ')}{' ' + m[2] if m[2] else ''}", rest, count=1
        )
    return re.sub(*told, rest, count=1) if told and re.search(told[0], rest) else text
