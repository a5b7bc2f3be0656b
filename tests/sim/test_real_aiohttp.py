"""aiohttp, client and server, unmodified."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator

import pytest

from windtunnel.sim.host import Host
from windtunnel.sim.kernel import Simulator

aiohttp = pytest.importorskip("aiohttp")
web = pytest.importorskip("aiohttp.web")
LATENCY_S = 0.010


class Service:
    """Counts visits, in memory; `/slow` takes two seconds and waits for the tunnel, not for asyncio."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.visits = 0

    async def main(self) -> None:
        self.visits = 0
        app = web.Application(client_max_size=1 << 23)
        app.router.add_get("/visit/{name}", self.visit)
        app.router.add_get("/slow", self.slow)
        app.router.add_post("/size", self.size)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "0.0.0.0", 80).start()
        await asyncio.Event().wait()

    async def visit(self, request) -> object:
        self.visits += 1
        return web.json_response({"hello": request.match_info["name"], "visits": self.visits})

    async def slow(self, request) -> object:
        await self.sim.sleep(2.0)
        return web.Response(text="done")

    async def size(self, request) -> object:
        return web.Response(text=str(len(await request.read())))


@pytest.fixture
def world() -> Iterator[tuple[Simulator, Host, Host, Service]]:
    with Simulator(7) as sim:
        client, server = sim.host("client"), sim.host("web")
        sim.network.connect(client, server, latency=LATENCY_S)
        service = Service(sim)
        server.start(service.main)
        yield sim, client, server, service


def test_a_kept_connection_answers_in_one_round_trip(world) -> None:
    sim, client, _, _ = world

    async def main() -> tuple[list[object], list[float]]:
        answers, times = [], []
        async with aiohttp.ClientSession() as session:
            for _ in range(3):
                start = sim.now
                async with session.get("http://web/visit/ann") as response:
                    answers.append(await response.json())
                times.append(sim.now - start)
        return answers, times

    answers, times = sim.run_until(client.create_task(main()))
    assert answers == [{"hello": "ann", "visits": n} for n in (1, 2, 3)]
    assert times == [pytest.approx(4 * LATENCY_S), pytest.approx(2 * LATENCY_S), pytest.approx(2 * LATENCY_S)]


def test_a_big_upload_takes_as_long_as_the_bandwidth_says(world) -> None:
    sim, client, server, _ = world
    sim.network.connect(client, server, latency=0.0001, bandwidth_bytes_per_s=1e6)

    async def main() -> tuple[str, float]:
        async with aiohttp.ClientSession() as session:
            start = sim.now
            async with session.post("http://web/size", data=io.BytesIO(bytes(3_000_000))) as response:
                return await response.text(), sim.now - start

    text, seconds = sim.run_until(client.create_task(main()))
    assert text == "3000000"
    assert seconds == pytest.approx(3.0, rel=0.02)


def test_handlers_that_wait_for_the_tunnel_serve_others_meanwhile(world) -> None:
    sim, client, _, _ = world

    async def main() -> float:
        async with aiohttp.ClientSession() as session:

            async def one() -> None:
                async with session.get("http://web/slow") as response:
                    assert await response.text() == "done"

            await asyncio.gather(*(one() for _ in range(10)))
        return sim.now

    assert sim.run_until(client.create_task(main())) == pytest.approx(2.0 + 4 * LATENCY_S)


def test_a_partition_times_out_and_heals(world) -> None:
    sim, client, server, _ = world

    async def main() -> list[object]:
        seen: list[object] = []
        timeout = aiohttp.ClientTimeout(total=1.0)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for _ in range(6):
                try:
                    async with session.get("http://web/visit/bob") as response:
                        seen.append((await response.json())["visits"])
                except TimeoutError:
                    seen.append("timeout")
                await asyncio.sleep(1.0)
        return seen

    sim.faults.split(client, server, at_s=1.5, for_s=4.0)
    seen = sim.run_until(client.create_task(main()))
    assert seen == [1, 2, "timeout", "timeout", 3, 4]


@pytest.mark.parametrize("process_only", [True, False])
def test_a_crash_in_the_middle_of_a_request_loses_it(world, process_only: bool) -> None:
    sim, client, server, _ = world

    async def main() -> tuple[str, float, int]:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5.0)) as session:
            try:
                async with session.get("http://web/slow") as response:
                    outcome = await response.text()
            except (aiohttp.ClientError, TimeoutError) as error:
                outcome = type(error).__name__
            when = sim.now
            await asyncio.sleep(5.0)
            async with session.get("http://web/visit/eve") as response:
                return outcome, when, (await response.json())["visits"]

    sim.faults.crash(server, at_s=1.0, for_s=0.5, process_only=process_only)
    outcome, when, visits = sim.run_until(client.create_task(main()))
    assert visits == 1
    if process_only:
        # The reset makes aiohttp ask again, on a new connection, which the operating system refuses.
        assert outcome == "ClientConnectorError"
        assert when == pytest.approx(1.0 + 3 * LATENCY_S)
    else:
        assert outcome == "TimeoutError"
        assert when == pytest.approx(5.0)
