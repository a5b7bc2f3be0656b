"""Cores that share memory, in the tunnel: what a program of the explorer's takes when every thread has a core.

A line of memory is with one core at a time. Whoever has it last touched finds it near; everybody else fetches it, and
who wants a line that is being fetched waits for that, in the order of asking. So threads that write one line take
turns, whether or not they lock anything. Real caches keep copies for readers; here nobody only reads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from windtunnel.explore import Access
from windtunnel.sim import FifoServer, Signal, Simulator

T = TypeVar("T")
NEAR_S = 2e-9
"""Seconds for a line that this core has."""


class Cores:
    """The memory of some cores, and the time that it takes.

    Args:
        fetch_s: seconds for a line that another core has.
        spins: whether who finds a lock taken looks again at once; else it waits until it is handed the lock.
    """

    def __init__(self, sim: Simulator, fetch_s: float, spins: bool) -> None:
        self.sim, self.fetch_s, self.spins = sim, fetch_s, spins
        self.lines: dict[str, FifoServer] = {}
        self.last: dict[str, int] = {}
        self.holders: set[str] = set()
        self.waiting: dict[str, deque[Signal[None]]] = {}

    async def touch(self, core: int, name: str) -> None:
        """Have this line here."""
        if name not in self.lines:
            self.lines[name] = FifoServer(self.sim, f"line {name}")
        near = self.last.get(name, core) == core
        self.last[name] = core
        await self.lines[name].serve(NEAR_S if near else self.fetch_s)

    async def run(self, core: int, steps: Generator[Access, None, T]) -> T:
        """Take the steps of a thread on this core: each has its effect when its line is there."""
        while True:
            try:
                access = next(steps)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # the type of what a generator returns is not kept
            await self.touch(core, access.target)
            if access.kind == "acquire":
                await self.acquire(core, access.target)
            elif access.kind == "release":
                self.release(access.target)

    async def acquire(self, core: int, lock: str) -> None:
        """Have the lock, whose line is here."""
        while lock in self.holders:
            if not self.spins:
                turn = self.sim.signal("a turn")
                self.waiting.setdefault(lock, deque()).append(turn)
                await turn  # what it waits for is handed on: the lock stays taken
                await self.touch(core, lock)
                return
            await self.touch(core, lock)
        self.holders.add(lock)

    def release(self, lock: str) -> None:
        """Hand it to who has waited longest, or leave it free."""
        if self.waiting.get(lock):
            self.waiting[lock].popleft().set()
        else:
            self.holders.discard(lock)


Thread = Callable[[int], Coroutine[Any, Any, None]]


async def together(sim: Simulator, threads: int, thread: Thread) -> None:
    """Run so many of them, each on a core of its own, and wait for all."""
    for one in [sim.spawn(thread(core), f"core {core}") for core in range(threads)]:
        await one
