"""A notification is lost where the task that it woke is cancelled at the same moment.

asyncio.Condition, reported in 2023: https://github.com/python/cpython/issues/112202
"""

from __future__ import annotations

import asyncio
from collections import deque

from windtunnel.explore import Tunnel
from windtunnel.sim import Simulator


class Condition:
    """Tasks wait for a word; who is told has it alone. `hands_on`: one that cannot use its word tells the next."""

    def __init__(self, hands_on: bool) -> None:
        self.lock = asyncio.Lock()
        self.waiting: deque[asyncio.Future[None]] = deque()
        self.hands_on = hands_on

    def notify(self) -> None:
        """Tell the first that waits and was not told."""
        told = next((one for one in self.waiting if not one.done()), None)
        if told is not None:
            told.set_result(None)

    async def wait(self) -> None:
        """Give the lock up, wait to be told, and take it again."""
        word: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lock.release()
        self.waiting.append(word)
        try:
            await word
        except asyncio.CancelledError:
            if self.hands_on and word.done() and not word.cancelled():
                self.waiting.remove(word)
                self.notify()
            raise
        finally:
            await self.lock.acquire()
            if word in self.waiting:
                self.waiting.remove(word)


def program(fixed: bool) -> Tunnel:
    """One item, two consumers, one of whom is cancelled: the other has to get the item, if nobody took it."""

    async def main(sim: Simulator) -> None:
        changed, items = Condition(fixed), []

        async def consume() -> None:
            async with changed.lock:
                while not items:
                    await changed.wait()
                items.pop()

        async def produce() -> None:
            async with changed.lock:
                items.append("an item")
                changed.notify()

        async def give_up() -> None:
            first.cancel()

        first = asyncio.create_task(consume(), name="first")
        second = asyncio.create_task(consume(), name="second")
        await asyncio.sleep(1)
        at_once = [asyncio.create_task(produce(), name="producer"), asyncio.create_task(give_up(), name="canceller")]
        await asyncio.sleep(1)
        await asyncio.gather(*at_once)
        taken = not items
        second.cancel()
        assert taken, "an item lies there, and the consumer that waits for it was not told"

    return Tunnel(main)
