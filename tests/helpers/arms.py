"""Run one script against the model of a port and against the real thing: the arms of one suite."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Collection, Coroutine
from typing import Any

import pytest

from windtunnel.engines.registry import missing, open_port, port_of
from windtunnel.sim.kernel import Simulator


class World:
    """The clock of an arm, and several scripts at once."""

    def __init__(self, sim: Simulator | None) -> None:
        self.sim = sim

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await (asyncio.sleep(seconds) if self.sim is None else self.sim.sleep(seconds))

    async def together(self, *coros: Coroutine[Any, Any, Any]) -> list[Any]:
        """What each returns or raises, run side by side."""
        if self.sim is None:
            return await asyncio.gather(*coros, return_exceptions=True)

        async def caught(coro: Coroutine[Any, Any, Any]) -> Any:
            try:
                return await coro
            except Exception as error:
                return error

        processes = [self.sim.spawn(caught(coro)) for coro in coros]
        return [await process for process in processes]

    async def once_it_answers(self, ask: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Ask again and again until there is an answer: what stands behind may be coming up."""
        for _ in range(200):
            try:
                return await ask()
            except (ConnectionError, TimeoutError):
                await self.sleep(0.02)
        raise AssertionError("There is no answer.")

    async def within(self, seconds: float, coro: Coroutine[Any, Any, Any]) -> Any:
        """What it returns; TimeoutError where that takes longer, and then it is stopped."""
        if self.sim is None:
            return await asyncio.wait_for(coro, seconds)
        return await self.sim.host("clients").create_task(asyncio.wait_for(coro, seconds), name="impatient")


async def done(found: Any) -> Any:
    """What a call of a model returns at once, and one of a real thing when it is awaited."""
    return await found if inspect.isawaitable(found) else found


Script = Callable[[Any, World], Coroutine[Any, Any, Any]]


class Arm:
    """One engine of a port."""

    def __init__(self, port: str, engine: str) -> None:
        self.port = port
        self.engine = engine

    def __call__(self, script: Script, *, suffers: Collection[str] = (), **options: Any) -> Any:
        """Run the script on a new thing.

        Args:
            suffers: words for what it will do to it, as faults have them; for a real thing "way" too.
        """
        if self.engine == "sim":
            sim = Simulator(seed=7)
            thing = open_port(self.port, "sim", self.port, sim=sim, **options)
            return sim.run_process(script(thing, World(sim)))

        async def main() -> Any:
            thing = open_port(self.port, self.engine, self.port, **options)
            if suffers:
                thing.expect(suffers)
            try:
                return await asyncio.wait_for(script(thing, World(None)), 60 if suffers else 30)
            finally:
                await thing.close()

        return asyncio.run(main())


def arms(port: str, *live: str) -> list[Any]:
    """Every engine of a port as a parameter; those that are named are marked `live`, what is missing is skipped."""
    found = []
    for engine in port_of(port).on:
        marks = [pytest.mark.live] if engine in live else []
        if why := missing(port, engine):
            marks.append(pytest.mark.skip(reason=f"{engine}: {why}"))
        found.append(pytest.param(Arm(port, engine), id=engine, marks=marks))
    return found
