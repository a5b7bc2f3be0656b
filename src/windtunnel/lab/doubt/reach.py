"""Which definitions of an experiment's files its designs stand on, and which of them its measurements."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from functools import partial
from types import CodeType
from typing import Any

from windtunnel.lab.experiment import Experiment


class Reach:
    """Definitions by name, and whom each of them names, over all files of the experiment."""

    def __init__(self, experiment: Experiment[Any], given: Mapping[str, ast.Module]) -> None:
        self._names: dict[str, set[str]] = {}
        for tree in given.values():
            for node in tree.body:
                for name in _defined(node):
                    self._names.setdefault(name, set()).update(_named(node))
        modules = set(given)
        self._of = {name: self._all(_roots(made, modules)) for name, made in experiment.designs.items()}
        pure: list[object] = [experiment.workload, experiment.measure, experiment.faults, experiment.audit]
        pure += [experiment.ends_s, experiment.warmup_s, experiment.params, experiment.rig]
        pure += [chart.lines for chart in experiment.charts]
        self._measuring = self._all(name for one in pure for name in _roots(one, modules))
        own = {name for made in experiment.designs.values() for name in _roots(made, modules)}
        self.of_designs = (set().union(*self._of.values()) - self._measuring) | own
        """What designs stand on, and the measurements do not, beside the designs themselves."""

    def designs_of(self, owner: str) -> frozenset[str]:
        """The designs on which a definition has a bearing: all where measurements stand on it too."""
        if owner in self._measuring:
            return frozenset(self._of)
        return frozenset(name for name, reached in self._of.items() if owner in reached)

    def _all(self, roots: Iterable[str]) -> set[str]:
        found: set[str] = set()
        todo = [name for name in roots if name in self._names]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += [other for other in self._names[name] if other in self._names]
        return found - {"experiment"}


def _defined(node: ast.stmt) -> list[str]:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.AugAssign(target=ast.Name(id=name)):
            return [name]
    return []


def _named(node: ast.stmt) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _roots(made: object, modules: set[str]) -> set[str]:
    """The names in the files that a class, a function, a lambda or a partial stands on first."""
    if isinstance(made, partial):
        parts = [made.func, *made.args, *made.keywords.values()]
        return set().union(*(_roots(part, modules) for part in parts))
    if isinstance(made, type):
        return {one.__name__ for one in made.__mro__ if one.__module__ in modules}
    code = getattr(made, "__code__", None)
    if isinstance(code, CodeType) and getattr(made, "__module__", "") in modules:
        return {getattr(made, "__qualname__", "").partition(".")[0]} | _said(code)
    return set()


def _said(code: CodeType) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _said(constant)
    return found
