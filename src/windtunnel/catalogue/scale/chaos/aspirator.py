"""What Yuan and others' checker Aspirator does, for Python: error handlers that cannot be right, found by looking.

    python -m windtunnel.catalogue.scale.chaos.aspirator FILE_OR_FOLDER ...

Four rules, three of them theirs (OSDI 2014, section 6.2): the handler is empty or only writes a line; it catches
everything and ends the program; it says that it is not finished. The fourth is `suppress`, an empty handler by another
name. It reads one handler at a time and runs nothing: what a handler forgets it cannot see.
"""

from __future__ import annotations

import ast
import re
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from windtunnel import WrongInput
from windtunnel.catalogue.scale.chaos.programs import WRONG, complain, program

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
    lines = re.split("\r\n|\r|\n", source)  # as Python counts them: a form feed ends none
    found = []
    with warnings.catch_warnings(action="ignore"):  # what the compiler thinks of somebody's text is not asked
        tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            found += [Finding(node.lineno, what) for what in _wrong(node, lines)]
        elif isinstance(node, ast.With | ast.AsyncWith) and any(
            _called(item.context_expr) == "suppress" for item in node.items
        ):
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
    if any(UNFINISHED.search(line) for line in _text(handler, lines)):
        yield "TODO"


def _text(handler: ast.ExceptHandler, lines: list[str]) -> Iterator[str]:
    """Its lines, with the comments that follow its last statement and stand as far inside."""
    last = handler.end_lineno or handler.lineno
    yield from lines[handler.lineno - 1 : last]
    for line in lines[last:]:
        bare = line.lstrip()
        if bare and not (bare.startswith("#") and len(line) - len(bare) > handler.col_offset):
            return
        yield line


def _empty(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _called(node: ast.AST) -> str:
    return _name(node.func) if isinstance(node, ast.Call) else ""


def _raises_exit(node: ast.AST) -> bool:
    return isinstance(node, ast.Raise) and node.exc is not None and "SystemExit" in ast.unparse(node.exc)


def _name(node: ast.AST) -> str:
    """The last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def read(file: Path) -> str:
    """A program's text, in the encoding that it names. Raises OSError, SyntaxError or UnicodeError."""
    with tokenize.open(file) as lines:
        return lines.read()


def look(file: Path) -> list[Finding]:
    """What is found in a file. Raises WrongInput where it is no program of Python."""
    try:
        return findings(read(file))
    except SyntaxError as error:
        raise WrongInput(
            f"{file} is no Python: {error.msg}{f' in line {error.lineno}' if error.lineno else ''}."
        ) from None
    except OSError as error:
        raise WrongInput(f"{file} cannot be read: {error.strerror or error}.") from None
    except (UnicodeError, ValueError):
        raise WrongInput(f"{file} is no Python: it holds what is no text.") from None
    except (RecursionError, MemoryError):
        raise WrongInput(f"{file} is nested too deeply to be looked at.") from None


def files_of(paths: Sequence[str]) -> Iterator[Path]:
    """The files, and those of the folders. Raises WrongInput."""
    if not paths or any(not path or path.startswith("-") for path in paths):
        raise WrongInput("The aspirator takes the names of files and folders of Python, one at least.")
    for path in map(Path, paths):
        inside = sorted(one for one in path.rglob("*.py") if one.is_file()) if path.is_dir() else [path]
        if not inside:
            raise WrongInput(f"{path} has no file of Python in it; give another folder.")
        yield from inside


def main(paths: Sequence[str]) -> int:
    """Print what is found: 1 where there is something, 2 where a file cannot be read and the others are.

    Raises WrongInput where nothing is to be read at all.
    """
    status = 0
    for file in list(files_of(paths)):
        try:
            found = look(file)
        except WrongInput as error:
            status = complain(str(error), WRONG)
            continue
        for line, what in found:
            print(f"{file}:{line}: {what}")
        status = max(status, 1 if found else 0)
    return status


if __name__ == "__main__":
    program(main)
