"""The numbers of things, which end when they would end without us: finalizers run, and weak references see it.

Most things are referred to weakly. Lists, dictionaries and others that cannot be are kept, so that no number is given
again to another, until nobody else has them.
"""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, Final

_OURS_ALONE: Final = 2
"""References to what only we keep, as `sys.getrefcount` counts them: that of the table, and that of the call."""
_FRAMES: Final = {types.GeneratorType: "gi_code", types.CoroutineType: "cr_code", types.AsyncGeneratorType: "ag_code"}


class Held:
    """Things by number, from 1 on, in the order in which they were met."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._weak: dict[int, weakref.ref[Any]] = {}
        self._kept: dict[int, Any] = {}
        self._alias: dict[int, int] = {}
        self._aliases_of: dict[int, int] = {}
        self._count = 0

    def number(self, thing: Any) -> int:
        """Its number; a new one where it is met for the first time."""
        ident = id(thing)
        found = self._alias.get(ident) or self._numbers.get(ident)
        if found is None:
            self._count = found = self._numbers[ident] = self._count + 1
            try:
                self._weak[found] = weakref.ref(thing, partial(self._gone, ident, found))
            except TypeError:
                self._kept[found] = thing
        return found

    def _gone(self, ident: int, number: int, reference: object) -> None:
        del self._numbers[ident], self._weak[number]
        self._alias.pop(self._aliases_of.pop(number, 0), None)

    def thing(self, number: int) -> Any:
        """What has that number; None where it has ended."""
        found = self._weak.get(number)
        return self._kept.get(number) if found is None else found()

    def alias(self, own: dict[str, Any], thing: Any, shown: bool = False) -> None:
        """The attributes of a thing, its dictionary, are the thing. `shown`: the program has it, and may keep it."""
        number = self.number(thing)
        before = self._aliases_of.get(number)
        if before != id(own):
            self._alias.pop(before or 0, None)
            self._alias[id(own)] = number
            self._aliases_of[number] = id(own)
        if shown:
            self._kept[number] = thing

    def let_go(self, traced: Callable[[str], bool]) -> bool:
        """Let go of what nobody else has any more. Says whether code under test ended with it."""
        ended = False
        for number in [n for n in self._kept if sys.getrefcount(self._kept[n]) <= _OURS_ALONE and n not in self._weak]:
            thing = self._kept.pop(number)
            del self._numbers[id(thing)]
            ended |= _has_an_end(thing, traced)
            del thing
        return ended


def _has_an_end(thing: Any, traced: Callable[[str], bool]) -> bool:
    """Whether code under test runs when this ends, or when what only it leads to does."""
    ending, gone = [thing], Counter[int]()
    while ending:
        value = ending.pop()
        kind = type(value)
        code = getattr(value, _FRAMES[kind], None) if kind in _FRAMES else None
        for cls in kind.__mro__:
            code = code or getattr(cls.__dict__.get("__del__"), "__code__", None)
        if code is not None and traced(code.co_filename):
            return True
        inner = gc.get_referents(value)
        times = Counter(map(id, inner))
        kept = {id(one): one for one in inner}
        gone.update(times)
        # Beside the references that end: that of the dictionary, that of the call, and those of the list.
        ending += [kept[i] for i in kept if sys.getrefcount(kept[i]) - times[i] - 2 == gone[i]]
    return False
