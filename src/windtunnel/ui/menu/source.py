"""The source of two designs side by side: what differs, or the whole of both."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable

from rich.text import Text

Made = Callable[..., object]


def members(made: Made, within: str) -> dict[str, str]:
    """What a design consists of, by name: its own methods and fields, and those it has from classes of the same
    experiment. Empty where there is no source to be had."""
    if not inspect.isclass(made):
        text = whole(made)
        return {"": text} if text else {}
    found: dict[str, str] = {}
    for cls in reversed(made.__mro__):
        if not cls.__module__.startswith(within):
            continue
        text = whole(cls)
        body: list[ast.stmt] = getattr(ast.parse(text).body[0], "body", []) if text else []
        lines = text.splitlines()
        for node in body:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                continue  # a docstring
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
            told = _told(node)
            kept = [n for n in range(first - 1, node.end_lineno or first) if n + 1 not in told]
            found[_name(node)] = textwrap.dedent("\n".join(lines[n] for n in kept))
    return found


def whole(made: Made) -> str:
    """All of the source of a class or a function; "" where it cannot be had."""
    try:
        return textwrap.dedent(inspect.getsource(made)).rstrip()
    except (OSError, TypeError):
        return ""


def _told(node: ast.stmt) -> range:
    """The lines of a function's docstring: what differs is what it does."""
    match node:
        case (
            ast.FunctionDef(body=[ast.Expr(value=ast.Constant(value=str())) as said, _, *_])
            | ast.AsyncFunctionDef(body=[ast.Expr(value=ast.Constant(value=str())) as said, _, *_])
        ):
            return range(said.lineno, (said.end_lineno or said.lineno) + 1)
    return range(0)


def _name(node: ast.stmt) -> str:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return ast.unparse(node)


def differing(left: Made, right: Made, within: str) -> list[tuple[str, str]]:
    """Pairs of texts, those of the right's members that the left has not, or has otherwise, and the other way round;
    "" where one has none."""
    mine, theirs = members(left, within), members(right, within)
    names = [*theirs, *(name for name in mine if name not in theirs)]
    return [(mine.get(n, ""), theirs.get(n, "")) for n in names if mine.get(n) != theirs.get(n)]


def side_by_side(pairs: list[tuple[str, str]], widths: tuple[int, int]) -> tuple[list[Text], list[Text]]:
    """Each pair at the same height, in columns so wide."""
    left: list[Text] = []
    right: list[Text] = []
    for number, pair in enumerate(pairs):
        if number:
            left.append(Text(""))
            right.append(Text(""))
        a, b = (coded(text, width) for text, width in zip(pair, widths, strict=True))
        tall = max(len(a), len(b))
        left += a + [Text("")] * (tall - len(a))
        right += b + [Text("")] * (tall - len(b))
    return left, right


def coded(text: str, width: int) -> list[Text]:
    """Lines of code; those too long go on below, further to the right. Names that are defined stand out."""
    found = []
    for line in text.splitlines():
        indent = " " * (len(line) - len(line.lstrip()) + 4)
        parts = textwrap.wrap(
            line,
            max(12, width),
            subsequent_indent=indent[: width // 2],
            drop_whitespace=True,
            replace_whitespace=False,
        ) or [""]
        style = "bold" if line.lstrip().startswith(("def ", "async def ", "class ", "@")) else ""
        if line.lstrip().startswith(("#", '"""')):
            style = "dim"
        found += [Text(part, style) for part in parts]
    return found


def lines_of(left: Made, right: Made, within: str, everything: bool) -> list[tuple[str, str]]:
    """What is shown of two designs."""
    if everything:
        return [(whole(left), whole(right))]
    return differing(left, right, within)
