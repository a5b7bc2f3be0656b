"""The source of the project, parsed once: what `tests/test_house.py` asks of it."""

from __future__ import annotations

import ast
import builtins
import gc
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class File:
    """One file of ours."""

    path: Path

    @property
    def where(self) -> str:
        """Its place below the root, as a person would say it; `src/windtunnel/` goes without saying."""
        return str(self.path.relative_to(ROOT)).removeprefix("src/windtunnel/")

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def words(self) -> set[str]:
        """Every identifier in it, in code, strings and comments alike."""
        return set(re.findall(r"[A-Za-z_]\w*", self.text))

    @property
    def module(self) -> str:
        return ".".join(self.path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")

    @property
    def package(self) -> str:
        """What may know its private names: `sim`, `engines`, `lab` and its rooms, a family of blocks."""
        parts = self.path.relative_to(SRC / "windtunnel").parts[:-1]
        return ".".join(parts[:2])

    @property
    def is_face(self) -> bool:
        return "lend(__name__)" in self.text


@cache
def source() -> tuple[File, ...]:
    """All of `src`, parsed: without looking for garbage meanwhile, since there is none, in half the time."""
    found = tuple(File(path) for path in sorted((SRC / "windtunnel").rglob("*.py")))
    gc.disable()
    try:
        assert all(file.tree for file in found)
    finally:
        gc.enable()
    return found


@cache
def modules() -> frozenset[str]:
    """The names of all modules of ours."""
    return frozenset(one.module for one in source())


@cache
def all_python() -> tuple[File, ...]:
    """All Python of the project."""
    rest = (p for folder in ("tests", "bench", "examples") for p in sorted((ROOT / folder).rglob("*.py")))
    return (*source(), *(File(path) for path in rest))


def functions(file: File) -> Iterator[tuple[str, int]]:
    """Each function by its full name, and how many lines it has, those of its docstring left out."""

    def walk(node: ast.AST, within: str) -> Iterator[tuple[str, int]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                name = f"{within}{child.name}"
                yield name, lines_of(child)
                yield from walk(child, f"{name}.")
            elif isinstance(child, ast.ClassDef):
                yield from walk(child, f"{within}{child.name}.")
            else:
                yield from walk(child, within)

    yield from walk(file.tree, "")


def lines_of(function: Function) -> int:
    lines = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        lines -= (first.end_lineno or 0) - first.lineno + 1
    return lines


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(file: File, *, by_type: bool) -> set[str]:
    """The modules of ours that a file imports when it is loaded; `by_type`: also those for type checkers alone."""
    ours = modules()
    found: set[str] = set()

    def visit(body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.Import):
                found.update(one.name for one in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                for one in node.names:
                    inner = f"{node.module}.{one.name}"
                    found.add(inner if inner in ours else node.module)
            elif is_type_checking(node):
                if by_type and not file.is_face:
                    visit(node.body)  # type: ignore[attr-defined]
            elif not isinstance(node, Function):
                for part in ("body", "orelse", "finalbody"):
                    visit(getattr(node, part, []))

    visit(file.tree.body)
    return (found & ours) - {file.module}


def circles(arrows: dict[str, set[str]]) -> list[set[str]]:
    """The groups of modules of which each imports each, directly or through others (Tarjan 1972)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(name: str) -> None:
        number[name] = low[name] = len(number)
        stack.append(name)
        for other in sorted(arrows.get(name, ())):
            if other not in number:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], number[other])
        if low[name] == number[name]:
            at = stack.index(name)
            group = set(stack[at:])
            del stack[at:]
            if len(group) > 1:
                found.append(group)

    for name in sorted(arrows):
        if name not in number:
            visit(name)
    return found


@cache
def exceptions() -> set[str]:
    """The names of all exception classes: Python's, and ours."""
    known = {
        name for name, thing in vars(builtins).items() if isinstance(thing, type) and issubclass(thing, BaseException)
    }
    classes = [
        (n.name, [ast.unparse(b) for b in n.bases]) for f in source() for n in f.nodes if isinstance(n, ast.ClassDef)
    ]
    while more := {name for name, bases in classes if known & set(bases)} - known:
        known |= more
    return known


def sentences(file: File, of: set[str]) -> Iterator[tuple[int, ast.expr]]:
    """Each text that an exception of these classes is made with, and its line."""
    for node in file.nodes:
        match node:
            case ast.Call(func=ast.Name(id=kind), args=[ast.JoinedStr() | ast.Constant(value=str()) as text, *_]):
                if kind in of:
                    yield node.lineno, text


def ends(text: ast.expr) -> tuple[str, str]:
    """How a text begins and ends: with letters of its own, or with `{expression}`."""
    parts = text.values if isinstance(text, ast.JoinedStr) else [text]
    said = [str(p.value) if isinstance(p, ast.Constant) else f"{{{ast.unparse(p.value)}}}" for p in parts]  # type: ignore[attr-defined]
    return said[0], said[-1]


def arguments(file: File) -> set[str]:
    """The names of all arguments that functions of a file take."""
    return {node.arg for node in file.nodes if isinstance(node, ast.arg)}
