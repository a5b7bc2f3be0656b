"""Mutants of an experiment: one design in the place of another, or one place of a design's code changed.

A statement is left out, a number or a sum is three times as large, a condition or a column is left out of a table. A
mutant that does the same as the original (equal digests) says nothing. One that does something else, and breaks no
claim, shows that the claims do not hold the experiment to what it says. Code whose change no claim needs to notice says
so in one of its lines: `# unclaimed: why`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from windtunnel.lab.doubt.changed import loaded, origin_of, trees
from windtunnel.lab.doubt.reach import Reach
from windtunnel.lab.doubt.source import files
from windtunnel.lab.experiment import Experiment

EXCUSE = "# unclaimed:"
TIMES = 3
"""As what numbers become: more than a doubling that a wide claim forgives, less than what breaks everything."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change.

    Attributes:
        what: in words.
        design: whose, where it is one design's.
        by: the design that stands in its place; "" for a change of code.
        place: the number of the place in the code; -1 for a design.
        excuse: why no claim needs to notice, as the file says it.
    """

    what: str
    design: str = ""
    by: str = ""
    place: int = -1
    excuse: str = ""


@dataclass(frozen=True, slots=True)
class _Change:
    """What can be done in one place. `owner`: the definition of the file in which it is."""

    module: str
    owner: str
    what: str
    node: ast.AST
    lines: range
    do: Callable[[], None]


def mutants(experiment: Experiment[Any]) -> list[Mutant]:
    """All of an experiment, those of designs first."""
    names = list(experiment.designs)
    found = []
    for place, name in enumerate(names):
        others = dict.fromkeys([*names[max(0, place - 1) : place], *names[place + 1 : place + 2], names[0]])
        found += [Mutant(f"{other} in the place of {name}", name, other) for other in others if other != name]
    texts = {
        module: path.read_text("utf-8").splitlines()
        for module, path in files(origin_of(experiment), experiment.module).items()
    }
    many = len(texts) > 1
    given = trees(experiment)
    for number, change in enumerate(_changes(Reach(experiment, given).of_designs, given)):
        lines = texts[change.module]
        excuses = [lines[i - 1].partition(EXCUSE)[2].strip() for i in change.lines if EXCUSE in lines[i - 1]]
        where = f" of {change.module.rpartition('.')[2]}" if many else ""
        what = f"line {getattr(change.node, 'lineno', 0)}{where}, in {change.owner}, {change.what}"
        found.append(Mutant(what, place=number, excuse="; ".join(excuses)))
    return found


def apply(experiment: Experiment[Any], mutant: Mutant) -> tuple[Experiment[Any], frozenset[str]]:
    """The experiment with the change, and the designs on which it has a bearing.

    Whatever the changed files raise when they are loaded is raised here.
    """
    if mutant.by:
        designs = {**experiment.designs, mutant.design: experiment.designs[mutant.by]}
        return replace(experiment, designs=designs, module=experiment.module), frozenset({mutant.design})
    given = trees(experiment)
    reach = Reach(experiment, given)
    for number, change in enumerate(_changes(reach.of_designs, given)):
        if number == mutant.place:
            change.do()
            ast.fix_missing_locations(given[change.module])
            return loaded(experiment, given), reach.designs_of(change.owner)
    raise ValueError(f"{experiment.id} has no place number {mutant.place} to change.")


def decoration(experiment: Experiment[Any]) -> list[str]:
    """Designs that no claim names."""
    from windtunnel.lab.claims import speaks_of

    named = {name for claim in experiment.claims for name in speaks_of(claim.expression)}
    return [name for name in experiment.designs if name not in named]


def as_data(mutant: Mutant) -> Mapping[str, Any]:
    """For a pipe."""
    return {"what": mutant.what, "design": mutant.design, "by": mutant.by, "place": mutant.place}


def _changes(own: set[str], given: Mapping[str, ast.Module]) -> Iterator[_Change]:
    """Everything that can be changed in these definitions, in the order of the files."""
    for module, tree in given.items():
        for node in tree.body:
            match node:
                case ast.ClassDef(name=name) if name in own:
                    for change in _of_class(node):
                        yield replace(change, module=module, owner=name)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name in own:
                    for change in _of_body(node.body):
                        yield replace(change, module=module, owner=name)
                case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if name in own:
                    for change in _inside(node):
                        yield replace(change, module=module, owner=name)


def _of_class(node: ast.ClassDef) -> Iterator[_Change]:
    for part in node.body:
        match part:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _of_body(part.body)
            case ast.Assign() | ast.AnnAssign(value=ast.expr()):
                yield _left_out(node.body, part)
                yield from _inside(part)


def _of_body(body: list[ast.stmt]) -> Iterator[_Change]:
    for statement in body:
        if isinstance(statement, ast.Pass | ast.Global | ast.Nonlocal | ast.Import | ast.ImportFrom | ast.Assert):
            continue
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # a docstring
        yield _left_out(body, statement)
        if isinstance(statement, ast.Raise):
            continue  # what it says is nobody's business
        yield from _inside(statement)
        for inner in ("body", "orelse", "finalbody"):
            yield from _of_body(getattr(statement, inner, []))
        for handler in getattr(statement, "handlers", ()):
            yield from _of_body(handler.body)
        for case in getattr(statement, "cases", ()):
            yield from _of_body(case.body)


def _left_out(body: list[ast.stmt], statement: ast.stmt) -> _Change:
    def do() -> None:
        body[body.index(statement)] = ast.copy_location(ast.Pass(), statement)

    said = ast.unparse(statement).partition("\n")[0]
    return _Change("", "", f"{said!r} left out", statement, _lines(statement), do)


def _inside(statement: ast.stmt) -> Iterator[_Change]:
    """Changes of the expressions of a statement, without those of statements in it."""
    lines = _lines(statement)
    value = getattr(statement, "value", None)
    if isinstance(value, ast.BinOp) and not isinstance(value.op, ast.Mod | ast.BitOr | ast.BitAnd):

        def grow(value: ast.BinOp = value) -> None:
            statement.value = ast.BinOp(ast.Constant(TIMES), ast.Mult(), value)  # type: ignore[attr-defined]

        yield _Change("", "", f"{ast.unparse(value)!r} times {TIMES}", value, lines, grow)
    for node in _expressions(statement):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value:

            def times(node: ast.Constant = node) -> None:
                assert isinstance(node.value, int | float)
                node.value = TIMES * node.value

            said = ast.unparse(statement).partition("\n")[0]
            yield _Change("", "", f"{node.value!r} times {TIMES} in {said!r}", node, lines, times)
        elif isinstance(node, ast.Dict) and len(node.keys) > 1:
            for key, told in zip(node.keys, node.values, strict=True):
                if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
                    continue

                def drop(node: ast.Dict = node, key: ast.expr = key, told: ast.expr = told) -> None:
                    node.keys.remove(key)
                    node.values.remove(told)

                yield _Change("", "", f"{key.value!r} left out of {ast.unparse(node)!r}", key, lines, drop)


def _expressions(statement: ast.stmt) -> Iterator[ast.AST]:
    """The nodes of a statement's own expressions; neither annotations nor subscripts, whose numbers are places."""
    todo: list[ast.AST] = [statement]
    while todo:
        node = todo.pop()
        for name, part in ast.iter_fields(node):
            if name in ("annotation", "returns", "slice", "decorator_list", "targets", "target"):
                continue
            for one in part if isinstance(part, list) else [part]:
                if isinstance(one, ast.expr | ast.keyword | ast.withitem | ast.comprehension):
                    todo.append(one)
                    yield one


def _lines(statement: ast.stmt) -> range:
    """The lines on which an excuse for it may stand: all of a simple statement, the head of one that holds others."""
    inner: Sequence[ast.stmt] = getattr(statement, "body", ()) or ()
    last = inner[0].lineno - 1 if inner else (statement.end_lineno or statement.lineno)
    return range(statement.lineno, max(last, statement.lineno) + 1)
