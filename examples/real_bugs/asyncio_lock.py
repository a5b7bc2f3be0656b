"""A lock that is free stays so for ever where the task that it woke is cancelled before it takes it.

asyncio.Lock, mended in 2017: https://bugs.python.org/issue27585
"""

from __future__ import annotations

import asyncio
from collections import deque

from windtunnel.explore import Tunnel
from windtunnel.sim import Simulator


class Lock:
    """First come, first served. `hands_on`: who was woken and is cancelled wakes the next."""

    def __init__(self, hands_on: bool) -> None:
        self.held = False
        self.waiting: deque[asyncio.Future[None]] = deque()
        self.hands_on = hands_on

    async def acquire(self) -> None:
        """Take it, or wait to be woken and take it then."""
        if self.held or self.waiting:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if self.hands_on and not self.held:
                    self.wake(other_than=turn)
                raise
            finally:
                self.waiting.remove(turn)
        self.held = True

    def release(self) -> None:
        """Give it back."""
        self.held = False
        self.wake()

    def wake(self, other_than: asyncio.Future[None] | None = None) -> None:
        """The first that waits may take it."""
        first = next((one for one in self.waiting if one is not other_than), None)
        if first is not None and not first.done():
            first.set_result(None)


def program(fixed: bool) -> Tunnel:
    """One holds the lock and two wait for it; one of them is cancelled, and the other has to get it."""

    async def main(sim: Simulator) -> None:
        lock = Lock(fixed)
        await lock.acquire()

        async def visit() -> None:
            await lock.acquire()
            lock.release()

        async def give_up() -> None:
            first.cancel()

        async def leave() -> None:
            lock.release()

        first = asyncio.create_task(visit(), name="first")
        await asyncio.sleep(1)
        second = asyncio.create_task(visit(), name="second")
        await asyncio.sleep(1)
        at_once = [asyncio.create_task(leave(), name="holder"), asyncio.create_task(give_up(), name="canceller")]
        await second
        await asyncio.gather(*at_once)

    return Tunnel(main)
