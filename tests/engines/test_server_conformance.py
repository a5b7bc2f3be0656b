"""One suite for every server: what the port promises holds in the model and in a real process."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import psutil
import pytest

from windtunnel.engines.registry import open_port
from windtunnel.engines.server.port import ServerPort
from windtunnel.lab.running.outcomes import outcome_of
from windtunnel.sim.kernel import Simulator

Script = Callable[["World"], Coroutine[Any, Any, Any]]


class World:
    """A clock, tasks side by side, and a new server, in the tunnel or outside of it."""

    def __init__(self, sim: Simulator | None) -> None:
        self.sim = sim
        self.servers: list[Any] = []

    def server(self, **options: Any) -> ServerPort:
        self.servers.append(open_port("server", "sim" if self.sim else "machine", "server", sim=self.sim, **options))
        made: ServerPort = self.servers[-1]
        return made

    def now(self) -> float:
        return self.sim.now if self.sim else time.perf_counter()

    def begin(self, asked: Awaitable[None]) -> Any:
        """Ask at the same time; awaiting what is returned gives None or the exception."""

        async def caught() -> Exception | None:
            try:
                await asked
            except Exception as error:
                return error
            return None

        return self.sim.spawn(caught()) if self.sim else asyncio.create_task(caught())

    async def sleep(self, seconds: float) -> None:
        await (self.sim.sleep(seconds) if self.sim else asyncio.sleep(seconds))


@pytest.fixture(params=["sim", "machine"])
def play(request: pytest.FixtureRequest) -> Callable[[Script], Any]:
    if request.param == "sim":
        return lambda script: (world := World(Simulator(seed=3))).sim.run_process(script(world))
    if os.name != "posix":
        pytest.skip("stops and kills by signals")

    async def main(script: Script) -> Any:
        world = World(None)
        try:
            return await asyncio.wait_for(script(world), 60)
        finally:
            for server in world.servers:
                await server.close()

    return lambda script: asyncio.run(main(script))


def test_work_takes_as_long_as_it_is_and_longer_on_a_slow_server(play: Callable[[Script], Any]) -> None:
    async def script(world: World) -> list[float]:
        server = world.server()
        took = []
        for speed in (1.0, 0.25):
            server.set_speed(speed)
            start = world.now()
            await server.serve(0.02)
            took.append(world.now() - start)
        return took

    fast, slow = play(script)
    assert fast >= 0.02 * 0.999
    assert slow >= 0.08 * 0.999


def test_one_worker_serves_in_the_order_of_arrival(play: Callable[[Script], Any]) -> None:
    async def script(world: World) -> list[int]:
        server = world.server()
        order: list[int] = []

        async def customer(number: int) -> None:
            await server.serve(0.01)
            order.append(number)

        asked = []
        for number in range(5):
            asked.append(world.begin(customer(number)))
            await world.sleep(0.002)
        assert [await one for one in asked] == [None] * 5
        return order

    assert play(script) == [0, 1, 2, 3, 4]


def test_a_full_queue_turns_away_and_serves_the_others(play: Callable[[Script], Any]) -> None:
    async def script(world: World) -> list[Exception | None]:
        server = world.server(workers=2, queue_limit=1)
        asked = [world.begin(server.serve(0.1)) for _ in range(5)]
        return [await one for one in asked]

    ended = play(script)
    assert ended.count(None) == 3
    assert [outcome_of(error) for error in ended if error] == ["fail", "fail"]


def test_a_pause_holds_everybody_and_loses_nobody(play: Callable[[Script], Any]) -> None:
    async def script(world: World) -> tuple[bool, list[Exception | None]]:
        server = world.server()
        asked = [world.begin(server.serve(0.01)) for _ in range(3)]
        server.pause()
        await world.sleep(0.3)
        answered = any(one.done() for one in asked)
        server.resume()
        return answered, [await one for one in asked]

    assert play(script) == (False, [None, None, None])


def test_a_crash_leaves_its_customers_in_the_dark_and_refuses_others_until_the_restart(
    play: Callable[[Script], Any],
) -> None:
    async def script(world: World) -> list[str | None]:
        server = world.server()
        asked = [world.begin(server.serve(30.0)) for _ in range(2)]
        await world.sleep(0.2)  # they are inside
        server.crash()
        lost = [await one for one in asked]
        refused = await world.begin(_later(server))
        server.restart()
        served = await world.begin(server.serve(0.01))
        return [outcome_of(error) if error else None for error in (*lost, refused, served)]

    async def _later(server: ServerPort) -> None:
        await server.serve(0.01)

    assert play(script) == ["unknown", "unknown", "fail", None]


def test_who_gives_up_leaves_the_work_behind(play: Callable[[Script], Any]) -> None:
    async def script(world: World) -> float:
        server = world.server()
        start = world.now()
        impatient = world.begin(server.serve(0.3))
        await world.sleep(0.05)
        impatient.cancel()
        await server.serve(0.01)
        return world.now() - start

    assert play(script) >= 0.31 * 0.999


@pytest.mark.skipif(os.name != "posix", reason="stops and kills by signals")
def test_a_real_server_leaves_no_process_and_no_folder() -> None:
    server: Any = open_port("server", "machine", "server")
    pid = server._process.pid
    family = psutil.Process().children(recursive=True)
    folder = os.path.dirname(server.path)
    server.pause()  # also one that stands still
    asyncio.run(server.close())
    _, alive = psutil.wait_procs([p for p in family if p.pid == pid], timeout=15)
    assert not alive
    assert not os.path.exists(folder)
