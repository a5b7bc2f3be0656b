"""Claims are text that is evaluated: what a person reads is what was checked.

The language is a corner of Python: measurements `design.measure`, `params.name`, numbers, `+ - * / // ** %`,
`min`, `max`, `abs`, comparisons, `and`, `or`, `not`. We walk the syntax tree ourselves; no code runs.
Truth has three values: a measurement that is no number makes a claim unknown, unless the rest decides it.
Where a claim applies is said in the same language, over parameters alone: `load < 0.8 and policy == "lru"`.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from windtunnel.lab.errors import WrongInput, suggest
from windtunnel.lab.parsed import parsed
from windtunnel.lab.statistics import EQUAL_SEEDS, Interval, mean, t_interval

Ruling = Literal["holds", "fails", "unknown", "skipped", "not claimed"]
Table = Mapping[str, Mapping[str, float]]
"""One seed's measurements, by design and name; `params` stands beside the designs."""

_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {"min": min, "max": max, "abs": abs}


class ClaimError(WrongInput):
    """A claim that cannot be read, or that speaks of what was not measured."""


@lru_cache(maxsize=1024)
def parse(expression: str) -> ast.expr:
    """The syntax tree. Raises ClaimError for anything outside the language."""
    try:
        tree = parsed(expression, ast.Expression).body
    except SyntaxError as error:
        raise ClaimError(f"The claim {expression!r} cannot be read: {error.msg}.") from None
    _admit(tree, expression)
    return tree


def _admit(node: ast.AST, expression: str, words: bool = False) -> None:
    parts: Sequence[ast.expr]
    match node:
        case ast.BoolOp(values=parts):
            pass
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd(), operand=part):
            parts = [part]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            parts = [left, right]
        case ast.Compare(left=left, ops=ops, comparators=rest) if all(type(op) in _COMPARISONS for op in ops):
            parts = [left, *rest]
        case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]) if name in _FUNCTIONS and parts:
            pass
        case ast.Attribute(value=ast.Name()):
            parts = []
        case ast.Constant(value=int() | float()):
            parts = []
        case ast.Constant(value=str()) if words:
            parts = []
        case _:
            raise ClaimError(
                f"The claim {expression!r} uses {ast.unparse(node)!r}; it can use design.measure, params.name, "
                "numbers, arithmetic, min, max, abs, comparisons, and, or, not."
            )
    for part in parts:
        _admit(part, expression, words)


def _qualified(node: ast.expr) -> ast.expr:
    """The expression with `params.load` in place of a bare `load`."""
    match node:
        case ast.Name(id=name):
            return ast.Attribute(ast.Name("params", ast.Load()), name, ast.Load())
        case ast.BoolOp(values=parts):
            node.values = [_qualified(part) for part in parts]
        case ast.UnaryOp(operand=part):
            node.operand = _qualified(part)
        case ast.BinOp(left=left, right=right):
            node.left, node.right = _qualified(left), _qualified(right)
        case ast.Compare(left=left, comparators=rest):
            node.left, node.comparators = _qualified(left), [_qualified(part) for part in rest]
        case ast.Call(args=parts):
            node.args = [_qualified(part) for part in parts]
    return node


@lru_cache(maxsize=1024)
def _region(where: str) -> ast.expr:
    try:
        tree = _qualified(parsed(where, ast.Expression).body)
    except SyntaxError as error:
        raise ClaimError(f"The region {where!r} of a claim cannot be read: {error.msg}.") from None
    _admit(tree, where, words=True)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id != "params":
            raise ClaimError(f"The region {where!r} speaks of {node.value.id}; it can speak of parameters alone.")
    return tree


def applies(where: str, params: Mapping[str, Any]) -> bool:
    """Whether a claim is made with these parameters. Raises ClaimError where `where` cannot be read."""
    if not where:
        return True
    table = {"params": params}

    def compare(left: ast.expr, op: ast.cmpop, right: ast.expr) -> bool | None:
        a, b = _number(left, table), _number(right, table)
        words: tuple[object, object] = (a, b)
        if any(isinstance(word, str) for word in words) and not isinstance(op, ast.Eq | ast.NotEq):
            raise ClaimError(f"The region {where!r} orders words; compare them with == or !=.")
        return _COMPARISONS[type(op)](a, b)

    try:
        return _truth(_region(where), compare, lambda flag: bool(_number(flag, table))) is True
    except TypeError:
        raise ClaimError(f"The region {where!r} reckons with words; compare them with == or !=.") from None


def reckoned(formula: str, params: Mapping[str, Any]) -> float:
    """What a formula over parameters comes to: `buyers / arrivals_per_s`. Raises ClaimError where it cannot be read."""
    return _number(_region(formula), {"params": params})


def speaks_of(expression: str) -> list[str]:
    """The designs that it names, in order."""
    nodes = [n.value for n in ast.walk(parse(expression)) if isinstance(n, ast.Attribute)]
    found = [n.id for n in nodes if isinstance(n, ast.Name)]
    return [name for name in dict.fromkeys(found) if name != "params"]


def measured_in(expression: str, table: Table) -> list[float]:
    """The measurements that it names, in order."""
    nodes = [node for node in ast.walk(parse(expression)) if isinstance(node, ast.Attribute)]
    return [_number(node, table) for node in sorted(nodes, key=lambda node: node.col_offset)]


def check(expression: str, designs: Iterable[str]) -> None:
    """Raise ClaimError where it cannot be read or names a design that there is not."""
    known = list(designs)
    for name in speaks_of(expression):
        if name not in known:
            raise ClaimError(f"The claim {expression!r} cannot be judged. {suggest(name, known, 'design')}")


def value(expression: str, table: Table) -> float:
    """The number that an expression has on one seed; NaN where one of its measurements is none."""
    return _number(parse(expression), table)


def _number(node: ast.expr, table: Table) -> float:
    match node:
        case ast.Constant(value=int() | float() as found):
            return found
        case ast.Constant(value=str() as word):
            return word  # type: ignore[return-value]  # only where a claim applies, and compared with words alone
        case ast.Attribute(value=ast.Name(id=design), attr=name):
            row = table[design]
            if name not in row:
                what = "parameter" if design == "params" else "measurement"
                raise ClaimError(f"A claim speaks of {design}.{name}. {suggest(name, row, what)}")
            return row[name]
        case ast.BinOp(left=left, op=op, right=right):
            try:
                return _ARITHMETIC[type(op)](_number(left, table), _number(right, table))
            except (ZeroDivisionError, OverflowError):
                return math.nan
        case ast.UnaryOp(op=ast.USub(), operand=part):
            return -_number(part, table)
        case ast.UnaryOp(op=ast.UAdd(), operand=part):
            return _number(part, table)
        case ast.Call(func=ast.Name(id=name), args=parts):
            numbers = [_number(part, table) for part in parts]
            return math.nan if any(map(math.isnan, numbers)) else _FUNCTIONS[name](*numbers)
    raise ClaimError(f"{ast.unparse(node)!r} is true or false where a number is needed.")


def truth(expression: str, table: Table) -> bool | None:
    """Whether it holds on one seed; None where that cannot be told."""
    return _truth(parse(expression), lambda left, op, right: _compare(_number(left, table), op, _number(right, table)))


def truth_of_means(expression: str, tables: Sequence[Table]) -> bool | None:
    """Whether it holds of the means: each comparison is made on the interval of its paired differences."""

    def compare(left: ast.expr, op: ast.cmpop, right: ast.expr) -> bool | None:
        if isinstance(op, ast.Eq | ast.NotEq):
            raise ClaimError(f"The claim {expression!r} speaks of means, which are never equal; compare with < or >.")
        differences = [_number(left, table) - _number(right, table) for table in tables]
        between = t_interval(differences)
        if math.isnan(between.low) or not tell(differences):
            return None
        match op:
            case ast.Lt():
                return True if between.high < 0 else False if between.low >= 0 else None
            case ast.LtE():
                return True if between.high <= 0 else False if between.low > 0 else None
            case ast.Gt():
                return True if between.low > 0 else False if between.high <= 0 else None
            case ast.GtE():
                return True if between.low >= 0 else False if between.high < 0 else None
        return None

    return _truth(parse(expression), compare)


def tell(differences: Sequence[float]) -> bool:
    """Whether paired differences can say anything of their mean.

    Where all are equal there is no spread to make an interval of: then the sign test decides, to which ties say nothing
    and fewer than `EQUAL_SEEDS` pairs on one side too little.
    """
    first = differences[0]
    return any(x != first for x in differences) or (first != 0 and len(differences) >= EQUAL_SEEDS)


def equal_pairs(expression: str, tables: Sequence[Table]) -> bool:
    """Whether some comparison of the expression finds the same difference on every seed, and too few to tell."""
    found = False

    def look(left: ast.expr, op: ast.cmpop, right: ast.expr) -> None:
        nonlocal found
        differences = [_number(left, table) - _number(right, table) for table in tables]
        found = found or not tell(differences)

    _truth(parse(expression), look)
    return found


def _compare(left: float, op: ast.cmpop, right: float) -> bool | None:
    return None if math.isnan(left) or math.isnan(right) else _COMPARISONS[type(op)](left, right)


def _truth(
    node: ast.expr,
    compare: Callable[[ast.expr, ast.cmpop, ast.expr], bool | None],
    flag: Callable[[ast.expr], bool] | None = None,
) -> bool | None:
    match node:
        case ast.Attribute() if flag is not None:
            return flag(node)
        case ast.BoolOp(op=op, values=parts):
            found = [_truth(part, compare, flag) for part in parts]
            decides = isinstance(op, ast.Or)
            return decides if decides in found else None if None in found else not decides
        case ast.UnaryOp(op=ast.Not(), operand=part):
            inner = _truth(part, compare, flag)
            return None if inner is None else not inner
        case ast.Compare(left=left, ops=ops, comparators=rest):
            pairs = zip([left, *rest], ops, rest, strict=False)
            found = [compare(a, op, b) for a, op, b in pairs]
            return False if False in found else None if None in found else True
    raise ClaimError(f"{ast.unparse(node)!r} is a number where true or false is needed.")


def with_numbers(expression: str, tables: Sequence[Table]) -> str:
    """The expression with the mean over the tables in place of each measurement."""
    spots = []
    for node in ast.walk(parse(expression)):
        if isinstance(node, ast.Attribute) and node.end_col_offset is not None:
            text = number(mean([_number(node, table) for table in tables]))
            spots.append((node.col_offset, node.end_col_offset, text))
    # Offsets count bytes; names and operators of the language are ASCII, so they count characters too.
    for start, end, text in sorted(spots, reverse=True):
        expression = expression[:start] + text + expression[end:]
    return expression


def number(x: Any) -> str:
    """A number as people write it: four digits that matter, no exponent where it can be helped."""
    if isinstance(x, bool) or not isinstance(x, int | float):
        return str(x)
    if math.isnan(x):
        return "?"
    if math.isinf(x):
        return "∞" if x > 0 else "-∞"
    if x == int(x) and abs(x) < 1e15:
        return f"{int(x):,}" if abs(x) >= 10_000 else str(int(x))
    if abs(x) >= 1000:
        return f"{x:,.0f}" if abs(x) < 1e15 else f"{x:.3g}"
    if abs(x) >= 1e-4:
        text = f"{x:.4g}"
        return text if "e" not in text else f"{x:.6f}"
    return f"{x:.3g}"


def interval(found: Interval, digits: int = 2, between: str = " ± ") -> str:
    """A mean with half of its interval, where there is one: with no digits that nobody knows."""
    if not found.half > 1e-12 * abs(found.mean):  # none, or what adding in floating point leaves
        return number(found.mean)
    # No more digits of the half width than that, and the mean to the same place.
    places = max(0, digits - 1 - math.floor(math.log10(found.half)))
    if places > 6:
        return f"{found.mean:.3g}{between}{found.half:.{digits}g}"
    return f"{found.mean:,.{places}f}{between}{found.half:,.{places}f}"
