"""The text of two designs side by side, with the lines that differ."""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache, partial
from textwrap import dedent


@dataclass(frozen=True, slots=True)
class Listing:
    """A design's text: lines, each with whether the other design has it too."""

    name: str
    lines: list[tuple[str, bool]]


def side_by_side(first: tuple[str, Callable[..., object]], second: tuple[str, Callable[..., object]]) -> list[Listing]:
    """Both texts; a line is the other's too where it stands there in the same order, whatever it is indented by."""
    texts = [text_of(make) for _, make in (first, second)]
    one, other = ([line.strip() for line in text] for text in texts)
    shared: list[set[int]] = [set(), set()]
    for a, b, size in SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks():
        shared[0].update(range(a, a + size))
        shared[1].update(range(b, b + size))
    return [
        Listing(name, [(line, i in same or not line.strip()) for i, line in enumerate(text)])
        for (name, _), text, same in zip((first, second), texts, shared, strict=True)
    ]


def text_of(make: Callable[..., object]) -> list[str]:
    """The lines of a design: its class and those bases that stand in the same module, bases first."""
    made = make.func if isinstance(make, partial) else make
    classes = [made]
    if inspect.isclass(made):
        classes = [c for c in reversed(made.__mro__) if c.__module__ == made.__module__]
    lines: list[str] = []
    for one in classes:
        lines += [*([""] if lines else []), *_lines(one)]
    return lines


def _lines(one: Callable[..., object]) -> list[str]:
    """As `inspect.getsource`, which reads a module's text anew for each class and goes through all of its tokens."""
    try:
        file = inspect.getsourcefile(one) or ""
        found = _defined(file, tuple(linecache.getlines(file))).get(one.__qualname__)
        return found if found is not None else dedent(inspect.getsource(one)).rstrip().splitlines()
    except (OSError, TypeError, AttributeError, SyntaxError):
        return [repr(one)]


@lru_cache(maxsize=64)
def _defined(file: str, lines: tuple[str, ...]) -> dict[str, list[str]]:
    """The lines of every class and function that a file defines outside of others."""
    found = {}
    for one in ast.parse("".join(lines), file).body:
        if isinstance(one, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([one.lineno, *(decorator.lineno for decorator in one.decorator_list)])
            found[one.name] = [line.rstrip("\n") for line in lines[first - 1 : one.end_lineno]]
    return found
