"""Neither tier keeps what a step made: memory and counts stay where they were, however long a run is.

`make soak` runs the long ones. In a debug interpreter `sys.gettotalrefcount` is looked at too; `make sanitised` runs
these beside the tests of the tiers, under the address sanitizer.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable
from itertools import pairwise
from statistics import median

import psutil
import pytest

from windtunnel.sim import FifoServer, Queue, Simulator


def mixture(steps: int) -> int:
    """About so many steps: sleeps, customers of a server, hand-overs, tasks and callbacks of a host, lines of text."""
    with Simulator(1) as sim:
        server = FifoServer(sim, "server")
        queue: Queue[int] = Queue(sim)
        client, machine = sim.host("client"), sim.host("machine")
        rounds = steps // 8

        async def customer() -> None:
            await server.serve(0.5)

        async def source() -> None:
            for number in range(rounds):
                await sim.sleep(1.0)
                server.submit(0.1)
                sim.spawn(customer())
                await queue.put(number)

        async def sink() -> None:
            for _ in range(rounds):
                await queue.get()

        async def ticking() -> None:
            loop = asyncio.get_running_loop()
            for _ in range(rounds):
                loop.call_later(0.5, int)
                await asyncio.sleep(1.0)
                await asyncio.create_task(asyncio.sleep(0))

        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while line := await reader.readline():
                writer.write(line)
            writer.close()

        async def serve() -> None:
            await asyncio.start_server(echo, port=80)

        async def ask() -> None:
            await asyncio.sleep(1.0)
            reader, writer = await asyncio.open_connection("machine", 80)
            for _ in range(rounds // 10):
                writer.write(b"a line\n")
                await reader.readline()
                await asyncio.sleep(10.0)
            writer.close()

        sim.spawn(source())
        sim.spawn(sink())
        machine.create_task(serve())
        client.create_task(ticking())
        client.create_task(ask())
        sim.run(until=rounds + 100.0)
        return sim.steps


def timers_and_jobs(steps: int) -> int:
    """So many events of the loop's innermost part: half of them sleeps, the rest arrivals and departures."""
    with Simulator(1) as sim:
        server = FifoServer(sim, "server")

        async def sleeper() -> None:
            for _ in range(steps // 200):
                await sim.sleep_ns(1_000_000)

        async def source() -> None:
            for _ in range(steps // 4):
                await sim.sleep_ns(2_000_000)
                server.submit(0.001)

        for _ in range(100):
            sim.spawn(sleeper())
        sim.spawn(source())
        sim.run()
        return sim.steps + server.read().served


def kept(run: Callable[[], object]) -> tuple[float, float]:
    """What a run leaves behind: objects that the collector knows, and references in a debug build.

    The median of three runs: what others in this process left is given back at times that are not ours, once each.
    """
    total: Callable[[], int] = getattr(sys, "gettotalrefcount", lambda: 0)

    def now() -> tuple[int, int]:
        gc.collect()
        return len(gc.get_objects()), total()

    run()  # fills free lists and caches
    seen = [now()]
    for _ in range(3):
        run()
        seen.append(now())
    objects, references = zip(*((b[0] - a[0], b[1] - a[1]) for a, b in pairwise(seen)), strict=True)
    return median(objects), median(references)


def test_a_run_leaves_no_objects_and_no_references() -> None:
    objects, references = kept(lambda: mixture(20_000))
    assert abs(objects) < 20
    assert abs(references) < 200


def test_a_run_that_keeps_something_is_seen() -> None:
    held: list[list[int]] = []
    objects, _ = kept(lambda: held.extend([] for _ in range(20)))
    assert objects >= 20


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "steps"), [(mixture, 10**7), (timers_and_jobs, 10**8)])
def test_a_long_run_takes_no_more_memory_than_a_short_one(kind: Callable[[int], int], steps: int) -> None:
    kind(steps // 100)
    gc.collect()
    before = psutil.Process().memory_info().rss
    assert kind(steps) > 0.9 * steps
    gc.collect()
    assert psutil.Process().memory_info().rss - before < 8 * 2**20
