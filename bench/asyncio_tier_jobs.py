"""Jobs for deterministic asyncio loops, and the loops that do them. Only asyncio is used: all run the same lines.

`python -m bench.asyncio_tier_jobs LOOP JOB` serves one, in an interpreter that has that loop: simloop needs
Python 3.12.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from bench.elsewhere import serve

Main = Callable[[], Coroutine[Any, Any, int]]
NAPS = [random.Random(1).expovariate(1.0) for _ in range(4096)]


# --- jobs: each returns the number of its operations -----------------------------------------------------------------
async def sleeps() -> int:
    """1000 tasks that sleep 20 times."""

    async def sleeper(i: int) -> None:
        for k in range(20):
            await asyncio.sleep(NAPS[(i * 7 + k) & 4095])

    await asyncio.gather(*(sleeper(i) for i in range(1000)))
    return 20_000


async def handovers() -> int:
    """100 pairs of tasks that hand 100 things over, one at a time."""

    async def produce(queue: asyncio.Queue[int]) -> None:
        for number in range(100):
            await queue.put(number)

    async def consume(queue: asyncio.Queue[int]) -> None:
        for _ in range(100):
            await queue.get()

    pairs = [asyncio.Queue[int](1) for _ in range(100)]
    await asyncio.gather(*(part(queue) for queue in pairs for part in (produce, consume)))
    return 10_000


async def echoes() -> int:
    """20 connections to an echo server, 50 lines each, over the simulated network of a host named server."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    async def ask(host: str, port: int) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for _ in range(50):
            writer.write(b"a line of text\n")
            await reader.readline()
        writer.close()

    server = await asyncio.start_server(talk, port=8080)
    async with server:
        await asyncio.gather(*(ask("server", 8080) for _ in range(20)))
        await asyncio.sleep(1.0)  # the server's tasks end too
    return 1000


JOBS: dict[str, Main] = {"sleeps": sleeps, "handovers": handovers, "echoes": echoes}


# --- loops -----------------------------------------------------------------------------------------------------------
def ours(main: Main) -> int:
    from windtunnel.sim import Simulator

    with Simulator(1) as sim:
        return int(sim.run_until(sim.host("server").create_task(main())))


def simloop(main: Main) -> int:
    import simloop

    loop = simloop.SimLoop(seed=1)
    try:

        async def driver() -> int:
            return int(await loop.net.host("server").create_task(main()))

        return int(loop.run_until_complete(driver()))
    finally:
        loop.close()


def simloom(main: Main) -> int:
    import simloom

    async def inside(world: Any) -> int:
        return int(await world.host("server").spawn(main))

    result = simloom.run(inside, seed=1)
    return int(result.value)


def detangle(main: Main) -> int:
    import detangle

    async def server() -> int:
        return int(await detangle.spawn(main(), host="server"))

    result = detangle.execute(server, config=detangle.SimConfig(), strategy=detangle.FIFO())
    if result.failure is not None:
        raise RuntimeError(str(result.failure))
    return int(result.value)


LOOPS: dict[str, Callable[[Main], int]] = {"ours": ours, "simloop": simloop, "simloom": simloom, "detangle": detangle}


def main(loop: str, job: str) -> None:
    def run() -> tuple[int, float]:
        done = LOOPS[loop](JOBS[job])
        return done, float(done)

    serve(run)


if __name__ == "__main__":
    main(*sys.argv[1:])
