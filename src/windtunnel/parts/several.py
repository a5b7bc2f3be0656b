"""Several programs of one design: what one of them remembers the others do not know."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from enum import EnumType
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, Protocol, TypeVar

from windtunnel.sim import Simulator

T = TypeVar("T")
OUTSIDE = "windtunnel_outside_"
"""How the names of modules begin that are loaded from somebody's own file; files of ours keep nothing in theirs."""
UNCHANGING = (bool, int, float, complex, str, bytes, type(None), ModuleType)


class Surroundings(Protocol):
    """What programs share: a stage."""

    @property
    def name(self) -> str: ...

    @property
    def sim(self) -> Simulator: ...

    @property
    def things(self) -> Mapping[str, Any]: ...


def programs(design: T, stage: Surroundings, *shared: object, many: int = 2) -> list[T]:
    """A design, just made, and copies of it that have its stage in common and nothing else.

    All requests of a run ask one object. A lock or a table in its memory is then one for all clients, as it is of no
    service that runs more than once: what serves by turns from these has it once for each. So is what stands at a class
    or in the module of somebody's own file, which is run once more for each copy. Streams of luck are drawn from in
    common, so that no two programs draw the same. What a function has closed over is the first program's for all.

    Args:
        design: before it has started; nothing of it may run yet.
        shared: what else they have in common.
        many: how many there are, with the first; at least one.

    Raises TypeError where something of the design cannot be copied, a thread's lock or a socket.
    """
    if many < 1:
        raise ValueError(f"There are {many} programs to be; at least 1 has to serve.")
    world = [stage.sim] if stage.name == "sim" else []
    same = {id(thing): thing for thing in (stage, *world, *stage.things.values(), *shared)}
    if many > 1:
        same |= {id(luck): luck for luck in originals(design, same) if isinstance(luck, Random)}
    return [design, *(copy_of(design, same) for _ in range(1, many))]


def copied(design: T, same: Mapping[int, object]) -> tuple[T, dict[int, Any]]:
    """A copy, and what is known of it: by their numbers the copies of all parts, and under its own the parts."""
    known: dict[int, Any] = dict(same)
    try:
        return deepcopy(design, known), known
    except TypeError as error:
        raise TypeError(
            f"There are to be several programs of {type(design).__name__}, and not all of it can be copied ({error}); "
            "make that in start, which is called in each."
        ) from error


def originals(design: object, same: Mapping[int, object]) -> list[object]:
    """What is copied with it."""
    _, known = copied(design, same)
    found: list[object] = known.get(id(known), [])
    return found


def copy_of(design: T, same: Mapping[int, object]) -> T:
    """A copy; where its class stands in somebody's own file, with all of that file as it is run once more."""
    name = type(design).__module__
    if not name.startswith(OUTSIDE):
        return copied(design, same)[0]
    before = vars(sys.modules[name])
    again = {id(one): other for one, other in pairs(before, once_more(name, str(before["__file__"])))}
    copy, known = copied(design, {**again, **same})
    for number, part in known.items():
        made = again.get(id(type(part)))
        if number not in same and made is not None and made is not type(part):  # what the file has imported is the same
            object.__setattr__(part, "__class__", made)
    return copy


def pairs(before: Mapping[str, Any], again: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """What has one name in both, and members of enumerations; what never changes is the same in both anyway."""
    for name in before.keys() & again.keys():
        one, other = before[name], again[name]
        if not isinstance(one, UNCHANGING) and not name.startswith("__"):
            yield one, other
            if isinstance(one, EnumType) and one is not other:
                yield from ((one[member], other[member]) for member in one.__members__)


def once_more(name: str, file: str) -> Mapping[str, Any]:
    """What stands in this file, as it is when it has just been loaded."""
    module = ModuleType(name)
    module.__file__ = file
    exec(compile(Path(file).read_text("utf-8"), file, "exec"), module.__dict__)
    return vars(module)
