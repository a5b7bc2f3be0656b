"""How much somebody remembers: the bytes in which all of it could be written down."""

from __future__ import annotations

import io
import pickle
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
            cells = [cell.cell_contents for cell in thing.__closure__ or ()]
            return str, (thing.__qualname__,), (cells, thing.__defaults__)
        if isinstance(thing, type | ModuleType | BuiltinFunctionType) and thing is not str:
            return str, (thing.__name__,)
        return NotImplemented


def held_bytes(thing: object, *known: object) -> int:
    """What the fields of an object would take if they were written down (pickled), in bytes.

    Classes, functions and modules count as their names, but what a function has closed over counts. What stands at a
    class or in a module is not seen: `programs` sees to that.

    Args:
        known: what it was given and need not remember, a stage, say: counts for nothing.

    Raises:
        TypeError: for what cannot be written down, an iterator or a lock.
    """
    file = io.BytesIO()
    try:
        _Written(file, frozenset(map(id, known))).dump(vars(thing))
    except (TypeError, pickle.PicklingError) as error:
        raise TypeError(f"What {type(thing).__name__} remembers cannot be written down: {error}.") from error
    return len(file.getbuffer())
