"""Be called before every opcode of code under test: by `sys.monitoring` from 3.12 on, before by `sys.settrace`.

Both say the same: a frame was entered, an opcode is next, a frame is left. What is made of that is one matter for all
versions (`stepping`). From 3.12 on tracing is not used: it crashes. There the events of all threads come from one
switch, which is on as long as any thread traces, and a thread whose trace function has raised no longer traces; its
next opcode, in a handler of the frame in which it raised, calls a function that is not there (3.12.1, in
`sys_trace_instruction_func`). Monitoring takes nothing away from a thread whose callback raises.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple, Protocol

from windtunnel.lab.explore.frames import operands


class Heard(NamedTuple):
    """Who is told. All are called in the thread that runs the frame, and what they raise is raised there."""

    wanted: Callable[[str], bool]
    """Whether code of that file is under test."""
    entered: Callable[[FrameType], None]
    """A frame was begun, or goes on after a yield."""
    before: Callable[[FrameType, int], None]
    """The opcode at that offset is next."""
    left: Callable[[FrameType], None]
    """A frame was ended by an exception; that one returns or yields may be told, or is seen at its last opcode."""


class Watch(Protocol):
    """The events of code under test, between `begin` and `end`; `enter` and `leave` are called in each thread."""

    def begin(self) -> None:
        """From now on."""

    def end(self) -> None:
        """All is as before."""

    def enter(self) -> None:
        """The calling thread is to be heard."""

    def leave(self) -> None:
        """It is no longer."""


class Traced:
    """By `sys.settrace`, with an event an opcode."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    def begin(self) -> None:
        pass

    def end(self) -> None:
        pass

    def enter(self) -> None:
        sys.settrace(self._call)

    def leave(self) -> None:
        sys.settrace(None)

    def _call(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not self._heard.wanted(frame.f_code.co_filename):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        self._heard.entered(frame)
        return self._inside

    def _inside(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "return":
            self._heard.left(frame)
        elif event == "opcode":
            self._heard.before(frame, frame.f_lasti)
        return self._inside


_asked_last: Callable[[str], bool] | None = None
"""Who said last which files are under test."""


class Monitored:
    """By `sys.monitoring`: a tool of its own, told of every function that begins, and of each opcode of those wanted.

    A code object is armed when it first begins, in place, so that its very first call is heard. It is disarmed at the
    end: whoever runs it later, in whatever thread, pays nothing.
    """

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._armed: dict[int, CodeType] = {}  # by what they are: codes of one text in two files are equal
        self._monitoring: Any = vars(sys)["monitoring"]  # typed for 3.11, which has none
        self._tool = -1

    def begin(self) -> None:
        told, events = self._monitoring, self._monitoring.events
        free = [tool for tool in (3, 4, 5, 2, 1, 0) if told.get_tool(tool) is None]  # 3 and 4 are meant for nobody else
        if not free:
            raise RuntimeError("All six tools of sys.monitoring are taken; end a debugger, profiler or coverage.")
        self._tool = free[0]
        told.use_tool_id(self._tool, "windtunnel.explore")
        global _asked_last
        if _asked_last != self._heard.wanted:  # another one's answers are remembered in each code object
            told.restart_events()
            _asked_last = self._heard.wanted
        for event, callback in (
            (events.PY_START, self._begins),
            (events.PY_RESUME, self._begins),
            (events.PY_THROW, self._thrown),
            (events.PY_UNWIND, self._unwinds),
            (events.INSTRUCTION, self._before),
        ):
            told.register_callback(self._tool, event, callback)
        told.set_events(self._tool, events.PY_START | events.PY_RESUME | events.PY_THROW | events.PY_UNWIND)

    def end(self) -> None:
        if self._tool < 0:
            return
        told, events = self._monitoring, self._monitoring.events
        told.set_events(self._tool, 0)
        for code in self._armed.values():
            told.set_local_events(self._tool, code, 0)
        self._armed.clear()
        for event in (events.PY_START, events.PY_RESUME, events.PY_THROW, events.PY_UNWIND, events.INSTRUCTION):
            told.register_callback(self._tool, event, None)
        told.free_tool_id(self._tool)

    def enter(self) -> None:
        pass

    def leave(self) -> None:
        pass

    def _begins(self, code: CodeType, offset: int) -> Any:
        if not self._heard.wanted(code.co_filename):
            return self._monitoring.DISABLE  # this place is not asked again
        if id(code) not in self._armed:
            self._armed[id(code)] = code
            self._monitoring.set_local_events(self._tool, code, self._monitoring.events.INSTRUCTION)
        self._heard.entered(sys._getframe(1))
        return None

    def _thrown(self, code: CodeType, offset: int, error: BaseException) -> None:
        self._begins(code, offset)  # of an exception thrown in no place can be switched off

    def _before(self, code: CodeType, offset: int) -> None:
        self._heard.before(sys._getframe(1), offset)

    def _unwinds(self, code: CodeType, offset: int, error: BaseException) -> None:
        if id(code) in self._armed:
            self._heard.left(sys._getframe(1))


MONITORS: Final = hasattr(sys, "monitoring")


def watch(heard: Heard) -> Watch:
    """The way of this Python."""
    return Monitored(heard) if MONITORS else Traced(heard)


@cache
def known() -> bool:
    """Whether stacks can be read here: a frame whose stack we know is looked at."""
    seen: list[list[Any]] = []
    marks = [object(), object()]

    def look(a: object, b: object) -> object:
        try:
            raise KeyError(a)
        except KeyError:
            return (a, b, a)

    def before(frame: FrameType, offset: int) -> None:
        if frame.f_code is look.__code__:
            seen.append(list(operands(frame, 3) or ()))

    watching = watch(Heard(lambda file: file == __file__, lambda frame: None, before, lambda frame: None))
    was_traced_by = sys.gettrace()
    watching.begin()
    watching.enter()
    try:
        look(*marks)
    finally:
        watching.leave()
        watching.end()
        sys.settrace(was_traced_by)
    return [marks[0], marks[1], marks[0]] in seen
