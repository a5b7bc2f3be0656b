"""What a step costs among many, against among a hundred: it must not be more than twice as much.

Each row is ours against ours; the same number of steps is done on both sides, after everything has started.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from bench import simulation_peers as peers
from bench.harness import ROUNDS, Row, Spent, Timed

GROWTH = "below 1: a step of one among thousands finds its task, its frame and its host in no cache of the processor"


def rows() -> Iterator[Row]:
    for many in (1_000, 10_000, 100_000):
        yield Row(
            f"a sleep of a process on a host of its own, {many:,} hosts against 100",
            {f"ours, {many:,}": lambda many=many: our_hosts(many), "ours, 100": lambda: our_hosts(100)},
            unit="sleeps/s",
            bar=0.5,
            against="ours, 100",
            note=GROWTH,
            rounds=ROUNDS if many < 100_000 else 3,
        )
    for many in (1_000, 10_000):
        yield Row(
            f"a line to an echo server and back, {many:,} connections against 100",
            {f"ours, {many:,}": lambda many=many: our_lines(many), "ours, 100": lambda: our_lines(100)},
            unit="lines/s",
            bar=0.5,
            against="ours, 100",
            note=GROWTH,
            rounds=ROUNDS if many < 10_000 else 3,
        )


SLEEPS_OF_ALL = 200_000


def our_hosts(count: int) -> Timed:
    """Processes that sleep on hosts of their own, a second on average, for as long as it takes to be so many sleeps."""
    from windtunnel.sim import Simulator

    sleeps = peers.naps()

    def timed() -> Spent:
        with Simulator() as sim:

            def sleeper(i: int) -> Callable[[], Coroutine[Any, Any, None]]:
                async def main() -> None:
                    for k in range(i, i + SLEEPS_OF_ALL):
                        await sim.sleep(sleeps[k % 1000])

                return main

            for i in range(count):
                sim.host(f"host {i}").start(sleeper(i))
            sim.run(until=1.0)
            start, before = time.process_time_ns(), sim.steps
            sim.run(until=1.0 + SLEEPS_OF_ALL / count)
            return Spent(sim.steps - before, time.process_time_ns() - start)

    return timed


LINES_OF_ALL = 20_000


def our_lines(count: int) -> Timed:
    """Lines over connections that are open, as many whatever their number; a client pauses between two."""
    from windtunnel.sim import Simulator

    each = LINES_OF_ALL // count

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    def timed() -> Spent:
        with Simulator(1) as sim:

            async def serve() -> None:
                await asyncio.start_server(answer, port=80, backlog=count)

            async def ask(i: int) -> None:
                await asyncio.sleep(1.0 + i * 0.001)
                reader, writer = await asyncio.open_connection("server", 80)
                await asyncio.sleep(100.0 - i * 0.001)  # all are connected
                for _ in range(each):
                    writer.write(b"a line of text\n")
                    await reader.readline()
                    await asyncio.sleep(1.0)
                writer.close()

            sim.host("server").create_task(serve())
            client = sim.host("client")
            for i in range(count):
                client.create_task(ask(i))
            sim.run(until=100.0)
            start = time.process_time_ns()
            sim.run(until=100.0 + each * 2.0 + 1.0)
            return Spent(LINES_OF_ALL, time.process_time_ns() - start)

    return timed
