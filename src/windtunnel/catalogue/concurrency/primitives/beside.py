"""What a design could share beside its locks: looked at once when its threads begin, and before each step again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

Found = dict[int, tuple[Any, Any]]
NOTHING = ()
"""Looked at, and nothing to compare."""


class Primitive:
    """What others than its user may change: but it holds what it was made with, and nothing else."""


def plain(value: Any) -> Any:
    """A value that a lock may guard, as it is; `TypeError` for what can be changed in place, without the lock too."""
    for one in value if isinstance(value, tuple | frozenset) else (value,):
        if one is not value and isinstance(one, tuple | frozenset):
            plain(one)
        elif not isinstance(one, int | float | str | bytes | tuple | frozenset | None):
            raise TypeError(f"A lock guards numbers, words and tuples of them, and no {type(one).__name__}.")
    return value


def watched(design: object, kit: object, world: object) -> Sequence[tuple[object, object]]:
    """What a design keeps, as it is now and as it is whenever one looks: it must stay the same."""
    found: Found = {id(world): (vars(world).keys(), set(vars(world)))}
    keeps(kit, found)
    keeps(design, found)
    for kind in type(design).__mro__[:-1]:
        found[id(kind)] = Attributes(kind), dict(vars(kind))
        for value in vars(kind).values():
            if value.__class__ is not FunctionType or value not in ALONE:
                keeps(value, found)
    return [(now, then) for now, then in found.values() if now is not NOTHING]


class Attributes:
    """Attributes of a class, which compare by what they are now."""

    def __init__(self, kind: type) -> None:
        self.kind = kind

    def __eq__(self, other: object) -> bool:
        return vars(self.kind) == other

    def back(self, then: Mapping[str, Any]) -> None:
        """Let them be what they were."""
        for name in vars(self.kind).keys() - then.keys():
            delattr(self.kind, name)
        for name, value in then.items():
            if vars(self.kind).get(name, self) is not value:
                setattr(self.kind, name, value)


class Names:
    """Globals by name, which compare by what they hold now."""

    def __init__(self, space: dict[str, Any], names: Sequence[str]) -> None:
        self.space, self.names = space, names

    def __eq__(self, other: object) -> bool:
        return self.now() == other

    def now(self) -> dict[str, Any]:
        """What they hold."""
        return {name: self.space.get(name) for name in self.names}

    def back(self, then: Mapping[str, Any]) -> None:
        """Let them hold what they held."""
        self.space.update(then)


def put_back(now: Any, then: Any) -> None:
    """Let a thing be what it was: what lives longer than a run would be another beginning for the next one."""
    if isinstance(now, Attributes | Names):
        now.back(then)
    elif isinstance(now, CellType):
        now.cell_contents = then.cell_contents
    elif isinstance(now, list):
        now[:] = then
    elif isinstance(now, dict | set | deque):
        now.clear()
        now.update(then) if isinstance(now, dict | set) else now.extend(then)


ALONE: set[FunctionType] = set()
"""Functions that come by nothing but their arguments."""


def reaches(thing: Any, found: Found) -> Iterator[Any]:
    """What a function can come by beside its arguments: defaults, variables around it, and globals that it names."""
    if isinstance(thing, MethodType):
        yield thing.__self__
    function = getattr(thing, "__func__", thing)
    if not isinstance(function, FunctionType):
        return
    found[id(thing)] = NOTHING, NOTHING
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    for cell in function.__closure__ or ():
        if cell != CellType() and not isinstance(cell.cell_contents, type):
            found[id(cell)] = cell, CellType(cell.cell_contents)
            yield cell.cell_contents
    space = function.__globals__
    named = {name: space[name] for name in names_of(function.__code__) if name in space}
    yield from (one for one in named.values() if getattr(one, "__globals__", None) is space)
    named = {name: one for name, one in named.items() if not callable(one) and not isinstance(one, ModuleType)}
    if named:
        found[id(function.__code__)] = Names(space, list(named)), named
        yield from named.values()
    elif thing is function and not any(others_of(function)):
        ALONE.add(thing)


def others_of(function: FunctionType) -> Iterator[Any]:
    """What it has of its own, and functions of its file that it names."""
    yield from (function.__defaults__, function.__kwdefaults__)
    yield from (cell == CellType() or not isinstance(cell.cell_contents, type) for cell in function.__closure__ or ())
    space = function.__globals__
    yield from (getattr(space.get(name), "__globals__", None) is space for name in function.__code__.co_names)


@cache
def names_of(code: CodeType) -> frozenset[str]:
    """The names in a text and in those within it."""
    within = [names_of(one) for one in code.co_consts if isinstance(one, CodeType)]
    return frozenset(code.co_names).union(*within)


def keeps(thing: Any, found: Found) -> None:
    """Note what a thing holds, and what that holds, as it is now; of a primitive only what it has."""
    if id(thing) in found or isinstance(thing, type):
        return
    if isinstance(thing, Primitive):
        found[id(thing)] = vars(thing).keys(), set(vars(thing))
        return
    if isinstance(thing, list | dict | set | deque):
        found[id(thing)] = thing, thing.copy()
        held = [*thing, *thing.values()] if isinstance(thing, dict) else [*thing]
    elif isinstance(thing, tuple):
        held = [*thing]
    elif isinstance(thing, FunctionType | MethodType | staticmethod | classmethod):
        held = [*reaches(thing, found)]
    elif hasattr(thing, "__dict__") and not callable(thing):
        found[id(thing)] = vars(thing), dict(vars(thing))
        held = [*vars(thing).values()]
    else:
        return
    for one in held:
        keeps(one, found)
