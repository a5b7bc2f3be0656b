"""How high a frame's stack is, worked out from the code, is what the interpreter says where it says it."""

from __future__ import annotations

import ctypes
import dis
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from helpers.opcode_zoo import PROGRAM
from windtunnel.lab.explore import frames
from windtunnel.lab.explore.depths import depths
from windtunnel.lab.explore.watch import Heard, known, watch

FILE = "<zoo>"
TOP_AT = 8 * ctypes.sizeof(ctypes.c_void_p)


def _lines_apart(code: CodeType) -> CodeType:
    """The same code with each opcode on a line of its own: a frame saves its stack before each line."""
    bounds = [*(i.offset // 2 for i in dis.get_instructions(code)), len(code.co_code) // 2]
    table = b""
    for start, end in pairwise(bounds):
        units = list(range(start, end, 8))
        for nth, unit in enumerate(units):  # at most eight units an entry: kind 13, a line that is n more
            table += bytes([0x80 | 13 << 3 | min(8, end - unit) - 1, 2 if nth == 0 else 0])
    inner = tuple(_lines_apart(one) if isinstance(one, CodeType) else one for one in code.co_consts)
    return code.replace(co_linetable=table, co_consts=inner)


def _told(frame: FrameType) -> int:
    """What the frame itself says of its stack."""
    base = ctypes.c_void_p.from_address(id(frame) + frames._FRAME_AT).value
    assert base is not None
    return int(ctypes.c_int.from_address(base + TOP_AT).value) - frames._locals(frame.f_code)


def _by_lines(code: CodeType) -> Iterator[tuple[str, int, int | None]]:
    """(opcode, values by the frame, values by the code), from 3.12 on."""
    monitoring: Any = vars(sys)["monitoring"]
    tool, events = 3, monitoring.events
    seen: list[tuple[str, int, int | None]] = []

    def starts(started: CodeType, offset: int) -> None:
        if started.co_filename == FILE:
            monitoring.set_local_events(tool, started, events.LINE)

    def line(at: CodeType, number: int) -> None:
        frame = sys._getframe(1)
        name = dis.opname[at.co_code[frame.f_lasti]]
        seen.append((name, _told(frame), depths(at).get(frame.f_lasti)))

    monitoring.use_tool_id(tool, "test")
    monitoring.register_callback(tool, events.PY_START, starts)
    monitoring.register_callback(tool, events.PY_RESUME, starts)
    monitoring.register_callback(tool, events.LINE, line)
    monitoring.set_events(tool, events.PY_START | events.PY_RESUME)
    try:
        exec(_lines_apart(code), {"__name__": "zoo"})
    finally:
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)
    yield from seen


def _by_opcodes(code: CodeType) -> Iterator[tuple[str, int, int | None]]:
    """The same by what explorers hear; before 3.12 frames say it there too."""
    seen: list[tuple[str, int, int | None]] = []

    def before(frame: FrameType, offset: int) -> None:
        depth = depths(frame.f_code).get(offset)
        told = _told(frame) if sys.version_info < (3, 12) else depth
        assert told is not None
        seen.append((dis.opname[frame.f_code.co_code[offset]], told, depth))

    watching = watch(Heard(lambda file: file == FILE, lambda frame: None, before, lambda frame: None))
    watching.begin()
    watching.enter()
    try:
        exec(code, {"__name__": "zoo"})
    finally:
        watching.leave()
        watching.end()
    yield from seen


def test_at_each_opcode_of_a_program_with_most_of_them_the_code_says_what_the_frame_says() -> None:
    code = compile(PROGRAM, FILE, "exec")
    seen = list((_by_opcodes if sys.version_info < (3, 12) else _by_lines)(code))
    assert len({name for name, _, _ in seen}) >= 80
    assert len(seen) > 600
    # The compiler of 3.11 counts what a call takes as taken by PRECALL, which only looks.
    assert [one for one in seen if one[1] != one[2] and ("PRECALL" not in dis.opmap or one[0] != "CALL")] == []


@pytest.mark.skipif(sys.version_info < (3, 12), reason="one way to hear of opcodes is all that there is")
def test_an_explorer_hears_of_every_opcode_that_lines_tell_of() -> None:
    code = compile(PROGRAM, FILE, "exec")
    heard = Counter(name for name, _, _ in _by_opcodes(code))
    lines = Counter(name for name, _, _ in _by_lines(code))
    assert len(lines) >= 80
    assert {name: lines[name] - heard[name] for name in lines if lines[name] > heard[name]} == {}


def test_in_the_standard_library_all_ways_to_an_opcode_leave_as_many_values_and_none_too_many() -> None:
    folder = Path(sysconfig.get_path("stdlib"))
    waiting = [
        compile((folder / name).read_text("utf-8"), name, "exec")
        for name in ("threading.py", "queue.py", "asyncio/tasks.py", "contextlib.py", "typing.py", "dataclasses.py")
    ]
    opcodes = 0
    for code in waiting:
        waiting += [one for one in code.co_consts if isinstance(one, CodeType)]
        found = depths(code)
        opcodes += len(found)
        assert all(0 <= depth <= code.co_stacksize for depth in found.values())
        after = {one.offset: next_one for one, next_one in pairwise(dis.get_instructions(code))}
        for offset, following in after.items():
            one = code.co_code[offset]
            # An opcode that two ways lead to is one of these: what jumps there, and what stands before it.
            if offset in found and dis.opname[one] in ("POP_TOP", "STORE_FAST", "POP_EXCEPT", "LOAD_FAST"):
                arg = code.co_code[offset + 1] if one >= dis.HAVE_ARGUMENT else None
                assert found[following.offset] == found[offset] + dis.stack_effect(one, arg)
    assert opcodes > 20_000


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="where its frames keep their stack is not known")
def test_stacks_are_read_on_each_version_that_is_supported() -> None:
    assert known()
