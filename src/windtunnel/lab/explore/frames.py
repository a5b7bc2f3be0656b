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
from typing import Any, Final

NULL: Final = type("Null", (), {"__repr__": lambda self: "NULL"})()
"""Stands for an empty place on the stack."""

_POINTER: Final = ctypes.sizeof(ctypes.c_void_p)
_FRAME_AT: Final = object.__basicsize__ + _POINTER  # PyFrameObject: head, f_back, f_frame
# _PyInterpreterFrame of 3.11 (Include/internal/pycore_frame.h), in pointers from its start.
_GLOBALS, _CODE, _OBJECT, _TOP, _LOCALS = 1, 4, 5, 8, 9


def stack(frame: FrameType) -> tuple[int, int, int] | None:
    """(address of the locals, how many locals and cells, how many of those and of stack), or None if it is unknown."""
    if sys.version_info[:2] != (3, 11) or sys.implementation.name != "cpython":
        return None
    base = ctypes.c_void_p.from_address(id(frame) + _FRAME_AT).value
    if not base:
        return None
    head = (ctypes.c_void_p * _TOP).from_address(base)
    if (head[_CODE], head[_OBJECT], head[_GLOBALS]) != (id(frame.f_code), id(frame), id(frame.f_globals)):
        return None
    first, top = _locals(frame.f_code), ctypes.c_int.from_address(base + _TOP * _POINTER).value
    if not first <= top <= first + frame.f_code.co_stacksize:
        return None
    return base + _LOCALS * _POINTER, first, top


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


@cache
def known() -> bool:
    """Whether stacks can be read here: a frame whose stack we know is looked at."""
    seen: list[Any] = []
    marks = [object(), object()]

    def look(a: object, b: object) -> object:
        return (a, b, a)

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code is not look.__code__:
            return None
        frame.f_trace_opcodes = True
        found = operands(frame, 3)
        if event == "opcode" and found is not None:
            seen.append(list(found))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        look(*marks)
    finally:
        sys.settrace(before)
    return [marks[0], marks[1], marks[0]] in seen
