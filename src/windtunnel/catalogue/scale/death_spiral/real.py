"""The same service as a real process (`collector.py` is what it runs), and waiting where time is real."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Mapping
from math import inf, isinf
from pathlib import Path
from typing import Any, Protocol

from windtunnel import Stage
from windtunnel.catalogue.scale.death_spiral.judging import WORK_S, WORKERS, Setting

COLLECTOR = Path(__file__).with_name("collector.py")


class Happens(Awaitable[Any], Protocol):
    """What one can wait for, and ask whether it has happened."""

    def done(self) -> bool: ...


class Place(Happens, Protocol):
    """What somebody waits for who is let in later."""

    def set(self, value: None = None) -> None: ...


class RealService:
    """The process, of which the requests that are let in are asked."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        told = {"half": p.half, "alone_s": WORK_S / WORKERS, "work_s": WORK_S}
        self.program = stage.program("service", COLLECTOR, told)
        self.handled: set[asyncio.Task[None]] = set()

    async def serve(self, work_s: float, until_s: float = inf) -> None:
        """Be inside until the work is done, or until then. Raises TimeoutError."""
        call = self.program.begin("ask", work_s)
        if isinf(until_s):
            await call
        elif not await within(call, until_s):
            self.program.take_back(call)
            raise TimeoutError

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do this, whether anybody waits for it or not."""
        task = asyncio.ensure_future(work)
        self.handled.add(task)
        task.add_done_callback(self.over)
        return task

    def over(self, task: asyncio.Task[None]) -> None:
        """What came of it is of no interest where nobody waited."""
        self.handled.discard(task)
        if not task.cancelled():
            task.exception()

    async def report(self) -> Mapping[str, object]:
        """What the process has measured of its collector."""
        found: Mapping[str, object] = await self.program.begin("report")
        return found

    async def stop(self) -> None:
        """Nobody is served any more."""
        for task in list(self.handled):
            task.cancel()
        await asyncio.gather(*self.handled, return_exceptions=True)


async def within(thing: Happens, seconds: float) -> bool:
    """Wait for this, for so long at most; whether it has happened by then."""

    async def happens() -> None:
        await thing

    waiting = thing if isinstance(thing, asyncio.Future) else asyncio.ensure_future(happens())
    await asyncio.wait([waiting], timeout=max(0.0, seconds))
    happened = thing.done()
    if waiting is not thing:
        waiting.cancel()
    return happened
