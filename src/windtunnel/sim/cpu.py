"""A host's processor: k cores, first come first served."""

from __future__ import annotations

import types
from collections.abc import Generator
from heapq import heapreplace
from typing import TYPE_CHECKING, Any

from windtunnel.sim.signals import NS, Crashed, Signal

if TYPE_CHECKING:
    from windtunnel.sim.kernel import Simulator


class Cpu:
    """Work that is charged here takes its time, and waits where all cores are busy.

    In FIFO order the end of a piece of work is known when it is given, so each costs one event. Work that was given is
    done, also when its giver was cancelled and does not wait for it any more: code that runs cannot be called back.

    Attributes:
        speed: seconds of work done in a second by a core; changes hold for work that is given from then on.
        slowdown: what faults make of it: a factor of the speed.
        busy_ns: core-nanoseconds of work given so far.
    """

    def __init__(self, sim: Simulator, cores: int = 1, speed: float = 1.0) -> None:
        if cores < 1:
            raise ValueError(f"{cores} cores do no work; give at least 1.")
        self._sim = sim
        self.cores = cores
        self.speed = speed
        self.slowdown = 1.0
        self.busy_ns = 0
        self._free_ns = [0] * cores
        """When each core will be done with all it was given: a heap."""
        self.down = False
        self._crashes = 0
        self._stopped_ns = 0
        """How long the host stood still so far: what was not done by then ends so much later."""
        self._since_ns = 0
        """Since when it stands still, if it does."""
        self._standstill: Signal[None] | None = None

    @types.coroutine
    def work(self, seconds: float) -> Generator[Any, None, None]:
        """Have `seconds` of work done: wait for a core, then for the work.

        Raises:
            Crashed: for a process that lives elsewhere, when the work would have ended: the host was down meanwhile.
        """
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"Cannot do {seconds} s of work; give 0 or more.")
        sim, free = self._sim, self._free_ns
        speed = self.speed * self.slowdown
        if not speed > 0:
            raise ValueError(f"At a speed of {speed:g} no work is ever done; pause the host instead.")
        cost = round(seconds * NS / speed)
        # What is given in a standstill waits for its end, which moves all ends by as long as it lasted.
        end = max(free[0], sim.now_ns if self._standstill is None else self._since_ns) + cost
        doomed = self.down
        if not doomed:
            heapreplace(free, end)
            self.busy_ns += cost
        stopped, crashes = self._stopped_ns, self._crashes
        yield from sim.sleep_ns(max(0, end - sim.now_ns))
        while self._standstill is not None or stopped != self._stopped_ns:
            if self._standstill is not None:
                yield from self._standstill.__await__()
            end += self._stopped_ns - stopped
            stopped = self._stopped_ns
            yield from sim.sleep_ns(max(0, end - sim.now_ns))
        if doomed or crashes != self._crashes:
            raise Crashed("The host crashed before the work was done.")

    def stop(self) -> None:
        """The host stands still from now on."""
        if self._standstill is None:
            self._since_ns = self._sim.now_ns
            self._standstill = Signal(self._sim, "a processor that stands still")

    def go_on(self) -> None:
        """The host goes on."""
        standstill, self._standstill = self._standstill, None
        if standstill is not None:
            passed = self._sim.now_ns - self._since_ns
            self._stopped_ns += passed
            self._free_ns[:] = [max(free, self._since_ns) + passed for free in self._free_ns]
            standstill.set()

    def reset(self) -> None:
        """The host crashed: all work is lost."""
        self.down = True
        self._crashes += 1
        self._free_ns[:] = [self._sim.now_ns] * self.cores
