"""Mutants of an experiment: one design in the place of another, and one statement of a design left out.

A mutant that does the same as the original (equal digests) says nothing. One that does something else, and breaks no
claim, shows that the claims do not hold the experiment to what it says. A statement whose loss no claim needs to notice
says so at its line: `# unclaimed: why`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from windtunnel.lab.experiment import Experiment

EXCUSE = "# unclaimed:"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change.

    Attributes:
        what: in words.
        design: whose, where it is one design's.
        by: the design that stands in its place; "" for a statement.
        place: the number of the statement that is left out; -1 for a design.
        excuse: why no claim needs to notice, as the file says it.
    """

    what: str
    design: str = ""
    by: str = ""
    place: int = -1
    excuse: str = ""


def mutants(experiment: Experiment[Any]) -> list[Mutant]:
    """All of an experiment, those of designs first."""
    names = list(experiment.designs)
    found = []
    for place, name in enumerate(names):
        others = dict.fromkeys([*names[max(0, place - 1) : place], *names[place + 1 : place + 2], names[0]])
        found += [Mutant(f"{other} in the place of {name}", name, other) for other in others if other != name]
    text = source_of(experiment)
    lines = text.splitlines()
    for number, statement in enumerate(_statements(ast.parse(text), _classes(experiment))):
        line = lines[statement.lineno - 1]
        said = ast.unparse(statement).partition("\n")[0]
        excuse = line.partition(EXCUSE)[2].strip() if EXCUSE in line else ""
        found.append(Mutant(f"without line {statement.lineno}, {said!r}", place=number, excuse=excuse))
    return found


def apply(experiment: Experiment[Any], mutant: Mutant) -> Experiment[Any]:
    """The experiment with the change. Whatever the changed file raises when it is loaded is raised here."""
    if mutant.by:
        return replace(
            experiment,
            designs={**experiment.designs, mutant.design: experiment.designs[mutant.by]},
            module=experiment.module,
        )
    tree = ast.parse(source_of(experiment))
    classes = _classes(experiment)
    for number, statement in enumerate(_statements(tree, classes)):
        if number == mutant.place:
            _leave_out(tree, statement)
    module = ModuleType(experiment.module)
    original = sys.modules[experiment.module]
    module.__file__ = original.__file__
    sys.modules[experiment.module] = module  # dataclasses look their module up while they are made
    try:
        exec(compile(tree, str(original.__file__), "exec"), module.__dict__)
        found: Experiment[Any] = module.__dict__["experiment"]
    finally:
        sys.modules[experiment.module] = original
    return found


def source_of(experiment: Experiment[Any]) -> str:
    """The text of the experiment's file."""
    return Path(str(sys.modules[experiment.module].__file__)).read_text("utf-8")


def decoration(experiment: Experiment[Any]) -> list[str]:
    """Designs that no claim names."""
    from windtunnel.lab.claims import speaks_of

    named = {name for claim in experiment.claims for name in speaks_of(claim.expression)}
    return [name for name in experiment.designs if name not in named]


def _classes(experiment: Experiment[Any]) -> set[str]:
    """The classes of the file that the designs are made of: their own, and those that they inherit from."""
    found = set()
    for made in experiment.designs.values():
        for one in getattr(made, "__mro__", (made,)):
            if getattr(one, "__module__", "") == experiment.module:
                found.add(getattr(one, "__name__", ""))
    return found


def _statements(tree: ast.Module, classes: set[str]) -> Iterator[ast.stmt]:
    """What can be left out of the designs' methods, in the order of the file."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name in classes:
            for method in node.body:
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield from _inside(method.body)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in classes:
            yield from _inside(node.body)


def _inside(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, ast.Pass | ast.Global | ast.Nonlocal | ast.Import | ast.ImportFrom | ast.Assert):
            continue
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # a docstring
        if isinstance(statement, ast.Return) and statement.value is None:
            yield statement
            continue
        yield statement
        for inner in ("body", "orelse", "finalbody"):
            yield from _inside(getattr(statement, inner, ()))
        for handler in getattr(statement, "handlers", ()):
            yield from _inside(handler.body)


def _leave_out(tree: ast.Module, statement: ast.stmt) -> None:
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list) and statement in body:
                body[body.index(statement)] = ast.copy_location(ast.Pass(), statement)
                return


def as_data(mutant: Mutant) -> Mapping[str, Any]:
    """For a pipe."""
    return {"what": mutant.what, "design": mutant.design, "by": mutant.by, "place": mutant.place}
