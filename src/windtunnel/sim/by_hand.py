"""Coroutines of the tunnel, stepped by hand: whoever explores says who goes on, and no time passes."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from windtunnel.sim.kernel import Simulator
from windtunnel.sim.signals import Signal


class Hand:
    """A coroutine that goes on when it is told to. Locks and queues of the tunnel know it as they know a process.

    Attributes:
        waits_for: what it stopped at: a signal, (a signal, how long at most), or a pause, which has no end of its own.
        ended: whether it has run to its end.
    """

    request = -1
    _ticket = 0

    def __init__(self, name: str, program: Coroutine[Any, Any, None]) -> None:
        self.name = name
        self.program = program
        self.waits_for: Any = None
        self.ended = False

    def ready(self) -> bool:
        """Whether it can go on. A wait with a limit can always end; so can a pause."""
        return not self.ended and (not isinstance(self.waits_for, Signal) or self.waits_for.done())

    def step(self, sim: Simulator) -> None:
        """Let it go on to where it stops next."""
        sim._current = self
        try:
            self.waits_for = self.program.send(None)
        except StopIteration:
            self.ended, self.waits_for = True, None
        finally:
            sim._current = None
        if sim._ready:
            raise RuntimeError(f"{self.name} started a process or a callback, which nobody here would run.")

    def describe(self) -> str:
        """The name, as in "held by"."""
        return self.name

    def done(self) -> bool:
        """Whether it has ended, as locks ask it of a process."""
        return self.ended

    def close(self) -> None:
        """Let go of it where it stands."""
        self.program.close()
