"""A cancellation is swallowed where what was waited for arrives at the same moment.

asyncio.wait_for, reported in 2020, written anew in Python 3.12: https://github.com/python/cpython/issues/86296
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from windtunnel.explore import Tunnel
from windtunnel.sim import Simulator


async def wait_for(work: Coroutine[Any, Any, str], seconds: float) -> str:
    """What the work brings, within so many seconds. Cancelled while the work is done, it returns as if nothing was."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task], timeout=seconds)
    except asyncio.CancelledError:
        if not task.done():
            task.cancel()
            raise
    if not task.done():
        task.cancel()
        raise TimeoutError
    return task.result()


async def wait_within(work: Coroutine[Any, Any, str], seconds: float) -> str:
    """The same in the scope of a time limit, as since Python 3.12: a cancellation is never turned into a result."""
    async with asyncio.timeout(seconds):
        return await work


def program(fixed: bool) -> Tunnel:
    """A worker that takes messages until it is cancelled. Once it was, it has to end."""

    async def main(sim: Simulator) -> None:
        messages: asyncio.Queue[str] = asyncio.Queue()
        wait = wait_within if fixed else wait_for

        async def work() -> None:
            while True:
                with suppress(TimeoutError):
                    await wait(messages.get(), 60)

        async def send() -> None:
            messages.put_nowait("a message")

        async def stop() -> None:
            worker.cancel()

        worker = asyncio.create_task(work(), name="worker")
        await asyncio.sleep(1)
        at_once = [asyncio.create_task(send(), name="sender"), asyncio.create_task(stop(), name="stopper")]
        await asyncio.sleep(1)
        await asyncio.gather(*at_once)
        ended = worker.done()
        worker.cancel()
        assert ended, "the worker was cancelled, and works on"

    return Tunnel(main)
