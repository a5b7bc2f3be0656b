"""How many values lie on a frame's stack before each opcode, worked out from the code as the compiler did it.

From 3.12 on a frame does not say how high its stack is while its opcodes are watched: the interpreter keeps that to
itself until it calls something. It follows from the code alone, since every way to an opcode leaves as many values.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from types import CodeType
from typing import Any, Final

_JUMPS: Final = frozenset(dis.hasjrel) | frozenset(dis.hasjabs)
_NEVER_GOES_ON: Final = {
    "RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "JUMP_FORWARD", "JUMP_BACKWARD",
    "JUMP_BACKWARD_NO_INTERRUPT",
}  # fmt: skip


@cache
def depths(code: CodeType) -> Mapping[int, int]:
    """By offset, the values on the stack before that opcode; opcodes that cannot be reached are left out."""
    listed = list(dis.get_instructions(code))
    following = {one.offset: after.offset for one, after in pairwise(listed)}
    at = {one.offset: one for one in listed}
    handlers = list(_handlers(code))
    found: dict[int, int] = {}
    waiting = [(0, 0)]
    while waiting:
        offset, depth = waiting.pop()
        if offset in found or offset not in at:
            continue
        found[offset] = depth
        one = at[offset]
        # What a handler keeps is told by the table, not by what lay there when it was raised.
        waiting += [(target, kept) for start, end, target, kept in handlers if start <= offset < end]
        if one.opcode in _JUMPS:
            waiting.append((one.argval, depth + _effect(one, True)))
        if one.opname == "RETURN_GENERATOR":
            waiting.append((following[offset], 1))  # what is sent
        elif one.opname not in _NEVER_GOES_ON and offset in following:
            waiting.append((following[offset], depth + _effect(one, False)))
    return found


def _effect(one: dis.Instruction, jump: bool) -> int:
    return dis.stack_effect(one.opcode, one.arg if one.opcode >= dis.HAVE_ARGUMENT else None, jump=jump)


def _handlers(code: CodeType) -> Iterator[tuple[int, int, int, int]]:
    """(first offset, offset behind the last, offset of the handler, values on the stack there) of the code's table.

    The format is that of CPython's Objects/exception_handling_notes.txt.
    """
    numbers: Any = _numbers(code.co_exceptiontable)
    for start in numbers:
        length, target, told = next(numbers), next(numbers), next(numbers)
        yield 2 * start, 2 * (start + length), 2 * target, (told >> 1) + (told & 1) + 1


def _numbers(table: bytes) -> Iterator[int]:
    number = 0
    for byte in table:
        number = (number << 6) | (byte & 63)
        if not byte & 64:
            yield number
            number = 0
