"""How much somebody remembers: the bytes in which all of it could be written down."""

from __future__ import annotations

import io
import pickle
from array import array
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any


class _Written(pickle.Pickler):
    """Writes what is remembered; of what is program, and no memory, the name."""

    def __init__(self, file: io.BytesIO, known: frozenset[int]) -> None:
        super().__init__(file, protocol=5)
        self.known = known

    def persistent_id(self, thing: Any) -> Any:
        return "known" if id(thing) in self.known else None

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, FunctionType):
            more = [kept for kept in (thing.__kwdefaults__, vars(thing)) if kept]
            return str, (thing.__qualname__,), (_closed_over(thing), thing.__defaults__, *more)
        if isinstance(thing, type | ModuleType | BuiltinFunctionType) and thing is not str:
            return str, (thing.__name__,)
        return NotImplemented


def _closed_over(function: FunctionType) -> list[Any]:
    found = []
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # nothing has been put into it yet
            found.append(cell.cell_contents)
    return found


def _fields(thing: object) -> Any:
    """All that an object has of its own: what stands in its dictionary and in slots, and what it contains."""
    slots = [name for kind in type(thing).__mro__ for name in _names(vars(kind).get("__slots__", ()))]
    found: list[Any] = [getattr(thing, name) for name in slots if not name.startswith("__") and hasattr(thing, name)]
    if isinstance(thing, dict):
        found += thing.items()
    elif isinstance(thing, bytes | bytearray):
        found.append(bytes(thing))
    elif isinstance(thing, list | tuple | set | frozenset | deque | array):
        found += thing
    elif isinstance(thing, str):
        found.append(str.__str__(thing))
    fields = getattr(thing, "__dict__", {})
    return [fields, *found] if found else fields


def _names(slots: str | Iterable[str]) -> Iterable[str]:
    return (slots,) if isinstance(slots, str) else slots


def held_bytes(thing: object, *known: object) -> int:
    """What the fields of an object, and what it contains, would take if they were written down (pickled), in bytes.

    Classes, functions and modules count as their names, but what a function has closed over, or has for defaults and
    attributes, counts. What stands at a class or in a module is not seen: `programs` sees to that. Of an object further
    in it is what its own `__reduce__` or `__getstate__` says: what it could be made from again.

    Args:
        known: what it was given and need not remember, a stage, say: counts for nothing.

    Raises:
        TypeError: for what cannot be written down: an iterator, a lock, the cache of `functools.cache`, a chain of
            hundreds of objects that refer to each other.
    """
    file = io.BytesIO()
    try:
        _Written(file, frozenset(map(id, known))).dump(_fields(thing))
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        raise TypeError(f"What {type(thing).__name__} remembers cannot be written down: {error}.") from error
    except RecursionError as error:
        raise TypeError(
            f"What {type(thing).__name__} remembers cannot be written down: things that refer to each other are a "
            "chain of hundreds; keep them in a list or a dictionary."
        ) from error
    return len(file.getbuffer())
