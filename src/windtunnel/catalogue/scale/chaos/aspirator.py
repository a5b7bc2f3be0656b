"""What Yuan and others' checker Aspirator does, for Python: error handlers that cannot be right, found by looking.

    python -m windtunnel.catalogue.scale.chaos.aspirator FILE_OR_FOLDER ...

Four rules, three of them theirs (OSDI 2014, section 6.2): the handler is empty or only writes a line; it catches
everything and ends the program; it says that it is not finished. The fourth is `suppress`, an empty handler by another
name. It reads one handler at a time and runs nothing: what a handler forgets it cannot see.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ALL = {"Exception", "BaseException"}
ENDS = {"exit", "_exit", "abort", "quit", "kill"}
TELLS = {"print", "log", "debug", "info", "warning", "warn", "error", "exception", "critical"}
UNFINISHED = re.compile(r"#.*\b(TODO|FIXME|XXX)\b")


class Finding(NamedTuple):
    """A handler that cannot be right."""

    line: int
    what: str


def findings(source: str) -> list[Finding]:
    """What is found in a program's text, by line. Raises SyntaxError."""
    lines = source.splitlines()
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler):
            found += [Finding(node.lineno, what) for what in _wrong(node, lines)]
        elif isinstance(node, ast.With) and any(_called(item.context_expr) == "suppress" for item in node.items):
            found.append(Finding(node.lineno, "suppressed"))
    return sorted(found)


def _wrong(handler: ast.ExceptHandler, lines: list[str]) -> Iterator[str]:
    body = [node for node in handler.body if not _empty(node)]
    if not body:
        yield "empty"
    elif all(isinstance(node, ast.Expr) and _called(node.value) in TELLS for node in body):
        yield "log only"
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    everything = any(one is None or _name(one) in ALL for one in caught)
    ends = any(_called(node) in ENDS or _raises_exit(node) for part in body for node in ast.walk(part))
    if everything and ends:
        yield "over-catch and abort"
    last = handler.end_lineno or handler.lineno
    if any(UNFINISHED.search(line) for line in lines[handler.lineno - 1 : last]):
        yield "TODO"


def _empty(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _called(node: ast.AST) -> str:
    return _name(node.func) if isinstance(node, ast.Call) else ""


def _raises_exit(node: ast.AST) -> bool:
    return isinstance(node, ast.Raise) and node.exc is not None and "SystemExit" in ast.unparse(node.exc)


def _name(node: ast.AST) -> str:
    """The last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def main(paths: list[str]) -> int:
    """Print what is found; the exit status is 1 where there is something."""
    files = [f for path in map(Path, paths) for f in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    count = 0
    for file in files:
        for line, what in findings(file.read_text("utf-8")):
            print(f"{file}:{line}: {what}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
