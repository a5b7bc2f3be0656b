"""What lies on the value stack of a frame, so that a step can say which objects it is about to touch.

Python does not tell, so the interpreter's own structure is read, in the layout of the versions that are known here.
Pointers that must lead back to the frame are compared first; where the layout is another one, `operands` is None and
callers have to think the worst of every opcode.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from functools import cache
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

from windtunnel.lab.explore.depths import depths

NULL: Final = type("Null", (), {"__repr__": lambda self: "NULL"})()
"""Stands for an empty place on the stack."""

_POINTER: Final = ctypes.sizeof(ctypes.c_void_p)
_FRAME_AT: Final = object.__basicsize__ + _POINTER  # PyFrameObject: head, f_back, f_frame


class _Layout(NamedTuple):
    """_PyInterpreterFrame (Include/internal/pycore_frame.h), in pointers from its start."""

    code: int
    space: int
    object: int
    top: int
    values: int
    tells: bool
    """Whether `top` says how high the stack is while opcodes are watched; else that follows from the code."""


_LAYOUTS: Final = {
    (3, 11): _Layout(code=4, space=1, object=5, top=8, values=9, tells=True),
    (3, 12): _Layout(code=0, space=3, object=6, top=8, values=9, tells=False),
    (3, 13): _Layout(code=0, space=3, object=6, top=8, values=9, tells=False),
}
_LAYOUT: Final = (
    _LAYOUTS.get(sys.version_info[:2]) if sys.implementation.name == "cpython" and "t" not in sys.abiflags else None
)


def known_here() -> bool:
    """Whether the layout of this Python's frames is one of those."""
    return _LAYOUT is not None


def stack(frame: FrameType, waits: bool = False) -> tuple[int, int, int] | None:
    """(address of the locals, how many locals and cells, how many of those and of stack), or None if it is unknown.

    Args:
        waits: it is the frame of a generator that does not run: those note how high their stack is.
    """
    if _LAYOUT is None:
        return None
    base = ctypes.c_void_p.from_address(id(frame) + _FRAME_AT).value
    if not base:
        return None
    head = (ctypes.c_void_p * _LAYOUT.top).from_address(base)
    pointers = (head[_LAYOUT.code], head[_LAYOUT.object], head[_LAYOUT.space])
    if pointers != (id(frame.f_code), id(frame), id(frame.f_globals)):
        return None
    first = _locals(frame.f_code)
    if waits or _LAYOUT.tells:
        top = ctypes.c_int.from_address(base + _LAYOUT.top * _POINTER).value
    else:
        top = first + depths(frame.f_code).get(frame.f_lasti, -1)
    if not first <= top <= first + frame.f_code.co_stacksize:
        return None
    return base + _LAYOUT.values * _POINTER, first, top


@cache
def _locals(code: CodeType) -> int:
    cells = sum(name not in code.co_varnames for name in code.co_cellvars)
    return code.co_nlocals + cells + len(code.co_freevars)


def operands(frame: FrameType, count: int) -> Sequence[Any] | None:
    """The topmost `count` values of the stack, the top last; fewer where there are fewer."""
    found = stack(frame)
    if found is None:
        return None
    at, first, top = found
    return _objects(at + max(first, top - count) * _POINTER, min(count, top - first))


def kept(frame: FrameType) -> Sequence[Any]:
    """What a generator or coroutine that waits has on its stack; nothing where that cannot be read."""
    found = stack(frame, waits=True)
    return () if found is None else _objects(found[0] + found[1] * _POINTER, found[2] - found[1])


def cell(frame: FrameType, index: int) -> Any:
    """The cell at a place of the locals; None where that cannot be told."""
    found = stack(frame)
    return None if found is None or index >= found[1] else _objects(found[0] + index * _POINTER, 1)[0]


def _objects(at: int, count: int) -> list[Any]:
    if not count:
        return []
    return [
        NULL if not address else ctypes.cast(address, ctypes.py_object).value
        for address in (ctypes.c_void_p * count).from_address(at)
    ]
