"""What all blocks have in common: copies that share nothing, and a `repr` that says what one is looking at."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import wraps
from threading import RLock
from types import FunctionType
from typing import Any, Concatenate, NoReturn, ParamSpec, Self, TypeVar

P = ParamSpec("P")
ResultT = TypeVar("ResultT")


class Block:
    """Base of blocks. `copy.copy` gives what `copy.deepcopy` gives: a change to a copy never reaches the original.

    Each block says for itself what threads and tasks may do with it.
    """

    __slots__ = ()

    def _told(self) -> Mapping[str, object]:
        """What `repr` tells: settings, and how much is held. Costs nothing that grows with what is held."""
        return {}

    def __repr__(self) -> str:
        told = ", ".join(f"{name} {value!r}" for name, value in self._told().items())
        return f"<{type(self).__name__}: {told}>" if told else f"<{type(self).__name__}>"

    def __copy__(self) -> Self:
        return deepcopy(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        made = memo[id(self)] = type(self).__new__(type(self))
        state: Any = self.__getstate__()
        restore: Callable[[Any], object] | None = getattr(made, "__setstate__", None)
        if restore is not None:
            restore(deepcopy(state, memo))
        elif state is not None:
            vars(made).update(deepcopy(state, memo))
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        state: Any = self.__getstate__()
        for name, value in (state or {}).items():
            if isinstance(value, FunctionType) and not _is_named(value):
                raise TypeError(
                    f"A {type(self).__name__} can be pickled where its functions are found by their names; "
                    f"{name.lstrip('_')} is {value.__qualname__!r}: make it a `def` of a module."
                )
        return super().__reduce_ex__(protocol)


def _is_named(function: FunctionType) -> bool:
    """Whether another process finds this function where this one says that it is."""
    return getattr(sys.modules.get(function.__module__), function.__qualname__, None) is function


class Live(Block):
    """A block that is tied to what runs or is open here: it has no copy and no stored form (`TypeError`)."""

    _tie = "what runs here"

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError(f"A {type(self).__name__} is tied to {self._tie}: make a new one where a copy is wanted.")

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        self.__reduce_ex__(4)


class Guarded(Block):
    """A block whose methods exclude each other by a lock (`alone`), since threads that meet inside would corrupt it.

    Meant for blocks whose calls cost tens of microseconds anyway. The lock is no part of a copy or of a stored form.
    """

    def __new__(cls, *_: Any, **__: Any) -> Self:
        made = super().__new__(cls)
        made._lock = RLock()
        return made

    _lock: Any

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        made = memo[id(self)] = type(self).__new__(type(self))
        with self._lock:
            vars(made).update(deepcopy(self.__getstate__(), memo))
        return made


BlockT = TypeVar("BlockT", bound=Guarded)


def alone(method: Callable[Concatenate[BlockT, P], ResultT]) -> Callable[Concatenate[BlockT, P], ResultT]:
    """A method of a `Guarded` block that one thread runs at a time."""

    @wraps(method)
    def run(self: BlockT, /, *args: P.args, **options: P.kwargs) -> ResultT:
        with self._lock:
            return method(self, *args, **options)

    return run
