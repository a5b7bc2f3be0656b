"""httpx to uvicorn and Starlette, unmodified."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from windtunnel.sim.host import Host
from windtunnel.sim.kernel import Simulator

httpx = pytest.importorskip("httpx")
uvicorn = pytest.importorskip("uvicorn")
starlette = pytest.importorskip("starlette.applications")
responses = pytest.importorskip("starlette.responses")
routing = pytest.importorskip("starlette.routing")
LATENCY_S = 0.010


class Service:
    """`/work` charges the host's processor, `/stream` answers in three pieces, `/sync` wants a thread."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.served = 0

    async def main(self) -> None:
        self.served = 0
        app = starlette.Starlette(
            routes=[
                routing.Route("/work", self.work),
                routing.Route("/stream", self.stream),
                routing.Route("/sync", lambda request: responses.PlainTextResponse("never")),
            ]
        )
        config = uvicorn.Config(app, host="0.0.0.0", port=8000, log_config=None, access_log=False)
        await uvicorn.Server(config).serve()

    async def work(self, request) -> object:
        await self.host.cpu.work(0.1)
        self.served += 1
        return responses.JSONResponse({"served": self.served})

    async def stream(self, request) -> object:
        async def pieces():
            for number in range(3):
                yield f"piece {number}\n"
                await asyncio.sleep(1.0)

        return responses.StreamingResponse(pieces(), media_type="text/plain")


@pytest.fixture
def world() -> Iterator[tuple[Simulator, Host, Host, Service]]:
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    with Simulator(11) as sim:
        client, server = sim.host("client"), sim.host("api", cores=2)
        sim.network.connect(client, server, latency=LATENCY_S)
        service = Service(server)
        server.start(service.main)
        sim.run(until=0.5)  # uvicorn is up
        yield sim, client, server, service


def test_requests_share_the_cores_of_the_host(world) -> None:
    sim, client, _, _ = world

    async def main() -> float:
        async with httpx.AsyncClient(base_url="http://api:8000") as http:
            start = sim.now
            answers = await asyncio.gather(*(http.get("/work") for _ in range(10)))
            assert sorted(answer.json()["served"] for answer in answers) == list(range(1, 11))
            return sim.now - start

    seconds = sim.run_until(client.create_task(main()))
    assert seconds == pytest.approx(10 * 0.1 / 2 + 4 * LATENCY_S)


def test_a_connection_is_kept_and_used_again(world) -> None:
    sim, client, _, _ = world

    async def main() -> list[float]:
        times = []
        async with httpx.AsyncClient(base_url="http://api:8000") as http:
            for _ in range(3):
                start = sim.now
                await http.get("/work")
                times.append(sim.now - start)
        return times

    first, *others = sim.run_until(client.create_task(main()))
    assert first == pytest.approx(0.1 + 4 * LATENCY_S)
    assert others == [pytest.approx(0.1 + 2 * LATENCY_S)] * 2


def test_a_streamed_answer_arrives_piece_by_piece(world) -> None:
    sim, client, _, _ = world

    async def main() -> list[tuple[str, float]]:
        async with (
            httpx.AsyncClient(base_url="http://api:8000") as http,
            http.stream("GET", "/stream", timeout=10.0) as answer,
        ):
            return [(line, round(sim.now, 3)) async for line in answer.aiter_lines()]

    assert sim.run_until(client.create_task(main())) == [
        ("piece 0", 0.54),
        ("piece 1", 1.54),
        ("piece 2", 2.54),
    ]


def test_a_handler_that_wants_a_thread_is_told_so(world, caplog: pytest.LogCaptureFixture) -> None:
    sim, client, _, _ = world
    logging.getLogger("uvicorn").setLevel(logging.ERROR)

    async def main() -> int:
        async with httpx.AsyncClient(base_url="http://api:8000") as http:
            return (await http.get("/sync")).status_code

    assert sim.run_until(client.create_task(main())) == 500
    assert "Threads are not simulated" in caplog.text


def test_a_partition_times_out_and_heals(world) -> None:
    sim, client, server, _ = world

    async def main() -> list[object]:
        seen: list[object] = []
        async with httpx.AsyncClient(base_url="http://api:8000", timeout=1.0) as http:
            for _ in range(6):
                try:
                    seen.append((await http.get("/work")).json()["served"])
                except httpx.TimeoutException as error:
                    seen.append(type(error).__name__)
                await asyncio.sleep(1.0)
        return seen

    sim.faults.split(client, server, at_s=2.5, for_s=4.0)
    # The first request that is cut off waits on the kept connection, the second cannot connect.
    assert sim.run_until(client.create_task(main())) == [1, 2, "ReadTimeout", "ConnectTimeout", 3, 4]


@pytest.mark.parametrize("process_only", [True, False])
def test_a_crash_in_the_middle_of_a_request_loses_it_and_the_count(world, process_only: bool) -> None:
    sim, client, server, _ = world

    async def main() -> list[object]:
        seen: list[object] = []
        async with httpx.AsyncClient(base_url="http://api:8000", timeout=2.0) as http:
            for _ in range(6):
                try:
                    seen.append((await http.get("/work")).json()["served"])
                except httpx.TransportError as error:
                    seen.append(type(error).__name__)
                await asyncio.sleep(0.9)
        return seen

    sim.faults.crash(server, at_s=2.6, for_s=1.0, process_only=process_only)
    seen = sim.run_until(client.create_task(main()))
    assert seen[:2] == [1, 2]
    if process_only:
        assert seen[2] == "RemoteProtocolError", "the kernel of a killed process ends its connections"
    else:
        assert seen[2] in ("ReadTimeout", "ReadError")  # silence, until the restarted host answers with a reset
    assert seen[-2:] == [seen[-1] - 1, seen[-1]]
    assert seen[-1] < 5
