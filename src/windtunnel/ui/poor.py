"""Output where the encoding has few characters (`PYTHONIOENCODING=ascii`, Latin-1): signs become the letters next to
them, and nothing that is printed is an error."""

from __future__ import annotations

import codecs
import io
import os
import sys

INSTEAD = {
    "✔": "+", "✘": "x", "✗": "x", "○": "o", "–": "-", "·": "|", "…": "~", "±": "+-", "→": "->", "•": "o", "²": "2",
    "─": "-", "│": "|", "┤": "|", "└": "+", "┌": "+", "●": "*", "×": "x", "◆": "#", "▲": "^", "◇": "%", "∗": "&",
    "█": "#", "▓": "#", "▒": "=", "░": "-", "◀": "<", "▶": ">", "━": "-", "╸": "-", "╺": "-",
    "ρ": "rho", "λ": "lambda", "Σ": "sum", "∞": "inf", "é": "e",
}  # fmt: skip


def _letters(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs: what people can read in the place of what cannot be written."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(INSTEAD.get(c) or c.encode("ascii", "backslashreplace").decode() for c in text), error.end


def _escapes(error: UnicodeError) -> tuple[str, int]:
    """The same for JSON, which has escapes of its own: the document stays the same."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2)), error.end


def prepare(as_json: bool) -> None:
    """Let standard output and standard error take every character, whatever their encoding."""
    codecs.register_error("windtunnel.letters", _letters)
    codecs.register_error("windtunnel.escapes", _escapes)
    for stream, json_ in ((sys.stdout, as_json), (sys.stderr, False)):
        if isinstance(stream, io.TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
            stream.reconfigure(errors="windtunnel.escapes" if json_ else "windtunnel.letters")


def has_screen() -> bool:
    """Whether panes can stand on this terminal: it can do more than go on to the next line, and it has each of our
    signs, for letters in their place are wider."""
    return os.environ.get("TERM") not in ("dumb", "unknown") and sys.stdout.encoding.lower().startswith("utf")
