"""One frame of a thread under control: before which of its opcodes it stands and waits for its turn."""

from __future__ import annotations

import dis
from collections.abc import Callable
from functools import cache
from types import CodeType, FrameType
from typing import Any, Final, Protocol

from windtunnel.lab.explore.core import Access, Touch
from windtunnel.lab.explore.locks import RawLock, Wanted
from windtunnel.lab.explore.opcodes import LockCall, Opcodes, ends, operations
from windtunnel.lab.explore.touches import Touches

MOST_TURNS: Final = 200
"""Turns of loops that a thread may take on its way out of a run that was given up."""
_IDLE_STEP: Final = Access("read", "nothing", ((-1 << 40, None, False),))


class _Stopped(BaseException):
    """Ends a thread of a run that is given up."""


Stopped: Final = _Stopped


class Actor(Protocol):
    """A thread under control."""

    name: str
    ident: int
    leaves: bool
    turns: int
    frames: dict[FrameType, Stepper]


class Run(Protocol):
    """What a frame asks of the run that it belongs to."""

    stopping: bool
    opcodes: Opcodes

    def stand(self, actor: Any, look: Callable[[], Access], wanted: Wanted | None) -> None:
        """Stand before a step until it is our turn, or the run is given up."""

    def raw(self, lock: Any) -> RawLock:
        """The watch of a lock that was not made by us."""

    def access(self, touches: Touches) -> Access:
        """The touches as a step."""

    def note_globals(self, touches: Touches) -> None:
        """Globals are about to be bound."""


class Stepper:
    """Stops one frame before its steps."""

    def __init__(self, run: Run, actor: Actor, code: CodeType, carried: Touches, every: bool) -> None:
        self._run = run
        self._actor = actor
        self._code = code
        self._operations = operations(code)
        self._every = every
        self.carried = carried
        self.doing: Touches = []

    def before(self, frame: FrameType, offset: int) -> None:
        """The opcode at that offset is next."""
        run, op = self._run, self._operations.get(offset)
        if run.stopping:
            self._leave(frame, offset)
            return
        every = self._every
        if op is not None:
            self.doing = []
            said = run.opcodes.touches(frame, op)
            if isinstance(said, LockCall):
                self._lock(said)
                return
            first = said() if said is not None else []
            if first and said is not None:
                run.note_globals(first)
                look = said
                self._stand(frame, offset, lambda: run.access(now) if (now := look()) else _IDLE_STEP)
                self.doing = said()
                return
            if said is None:
                every = every or bool(self.carried)
                if ends(op):
                    self._actor.frames.pop(frame, None)
        if every:
            self._stand(frame, offset, lambda: _IDLE_STEP)

    def _stand(self, frame: FrameType, offset: int, look: Callable[[], Access]) -> None:
        self._run.stand(self._actor, look, None)
        if self._run.stopping:
            self._leave(frame, offset)

    def _leave(self, frame: FrameType, offset: int) -> None:
        """The run is given up: raise once, at an opcode that may raise by itself, and let what cleans up run through.

        At others the code does not expect it: where an exception is about to be noted as the one that is handled
        (PUSH_EXC_INFO) the handler of another would be left with a stack that is not what it was made for. One that
        catches everything in a loop and goes on is told again after many turns.
        """
        actor, op = self._actor, self._operations.get(offset)
        turns = offset in _loops(self._code)
        if not actor.leaves:
            if turns or (op is not None and not ends(op)):
                actor.leaves = True
                raise Stopped
        elif turns:
            actor.turns += 1
            if actor.turns > MOST_TURNS:
                raise Stopped
        elif op is not None:
            said = self._run.opcodes.touches(frame, op)
            if isinstance(said, LockCall) and said.what == "acquire":  # who has it leaves too, perhaps without a word
                raise Stopped

    def _lock(self, call: LockCall) -> None:
        raw, actor = self._run.raw(call.lock), self._actor
        self._run.stand(actor, lambda: raw.access(call.what, actor), raw if call.what == "acquire" else None)
        if self._run.stopping:
            actor.leaves = True
            raise Stopped
        if call.what in ("acquire", "try") and raw.free(actor):
            raw.took(actor)


@cache
def _loops(code: CodeType) -> frozenset[int]:
    """Offsets of the jumps back: there the interpreter looks for signals, which raise too."""
    return frozenset(i.offset for i in dis.get_instructions(code) if i.opname == "JUMP_BACKWARD")


def carried(actor: Actor, frame: FrameType | None) -> list[Touch]:
    """What the operation under way in the nearest traced frame touches: C code that calls back goes on with it."""
    while frame is not None:
        stepper = actor.frames.get(frame)
        if stepper is not None:
            return [*stepper.carried, *stepper.doing]
        frame = frame.f_back
    return []
