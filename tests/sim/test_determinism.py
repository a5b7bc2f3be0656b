"""A seed decides everything, whatever the process, the hash seed and the company; tracing is bounded, or free."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path
from threading import Event, Thread

import pytest

from helpers.worlds import WORLDS, digest
from windtunnel.sim import sandbox
from windtunnel.sim.kernel import Simulator
from windtunnel.sim.trace import Record, Trace

TESTS = Path(__file__).parents[1]


def digest_elsewhere(world: str, seed: int, hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "helpers.worlds", world, str(seed)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("world", WORLDS)
def test_the_same_seed_gives_the_same_digest_in_every_process_and_under_every_hash_seed(world: str) -> None:
    here = digest(world, 7)
    assert digest(world, 7) == here
    assert digest_elsewhere(world, 7, "1") == here
    assert digest_elsewhere(world, 7, "99") == here


@pytest.mark.parametrize("world", ["light", "streams"])
def test_another_seed_gives_another_digest(world: str) -> None:
    assert len({digest(world, seed) for seed in range(5)}) == 5


def test_simulations_in_other_threads_change_nothing() -> None:
    alone = {seed: digest("streams", seed) for seed in range(3)}
    together: dict[int, str] = {}
    threads = [Thread(target=lambda seed=seed: together.update({seed: digest("streams", seed)})) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_simulations_that_end_in_threads_leave_logs_and_warnings_as_they_were() -> None:
    before = logging.root.manager.disable, list(warnings.filters)
    first_is_in, last_is_in, first_is_out = Event(), Event(), Event()

    def end(tell: Event, until: Event) -> None:
        async def never() -> None:
            try:
                await asyncio.sleep(1e6)
            finally:
                with sandbox.reality():  # the thread itself waits
                    tell.set()
                    until.wait(60)

        with Simulator(1) as sim:
            sim.host("a").create_task(never())
            sim.run(until=1.0)

    first = Thread(target=end, args=[first_is_in, last_is_in])
    last = Thread(target=end, args=[last_is_in, first_is_out])
    first.start()
    first_is_in.wait(60)
    last.start()
    first.join()
    first_is_out.set()
    last.join()
    assert (logging.root.manager.disable, list(warnings.filters)) == before


def test_replicas_share_no_state() -> None:
    """Two simulators built from the same parts, stepped in turns, behave as each does alone."""

    def build(trace: Trace) -> Simulator:
        sim = Simulator(5, trace)

        async def client(number: int) -> None:
            for _ in range(20):
                await sim.sleep(sim.random("think").expovariate(1.0))
                sim.host("a").send(sim.host("b"), number)

        sim.host("b").inbox()
        for number in range(3):
            sim.spawn(client(number), request=number)
        return sim

    alone = Trace()
    with build(alone) as sim:
        sim.run(until=50.0)
    first, second = Trace(), Trace()
    with build(first) as one, build(second) as two:
        for second_of_time in range(1, 51):
            one.run(until=float(second_of_time))
            two.run(until=float(second_of_time))
    assert first.digest == second.digest == alone.digest


# --- tracing ---------------------------------------------------------------------------------------------------------
def requests(sim: Simulator, count: int) -> None:
    """A client and a server, one message there and one back a request."""
    client, server = sim.host("client"), sim.host("server")

    async def serve() -> None:
        async for message in server.inbox():
            server.send(client, message.body)

    async def receive() -> None:
        async for _ in client.inbox():
            pass

    async def feed() -> None:
        for number in range(count):
            client.send(server, number)
            await sim.sleep_ns(1_000_000)

    server.start(serve, light=True)
    client.start(receive, light=True)
    sim.spawn(feed())
    sim.run()


def peak_bytes(count: int, trace: Trace | None) -> int:
    with Simulator(0, trace) as sim:
        tracemalloc.start()
        requests(sim, count)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak


def test_a_trace_keeps_the_newest_records_and_a_digest_of_all() -> None:
    trace, same, other = Trace(keep=3), Trace(keep=3), Trace(keep=3)
    for number in range(10):
        trace.record(number, "send", "a > b", str(number))
        same.record(number, "send", "a > b", str(number))
        other.record(number, "send", "a > b", str(max(number, 1)))
    assert [record.now_ns for record in trace.records] == [7, 8, 9]
    assert trace.records[-1] == Record(9, "send", "a > b", "9")
    assert trace.count == 10
    assert trace.records == other.records
    assert trace.digest == same.digest != other.digest


def test_the_memory_of_a_trace_is_bounded_and_without_one_nothing_is_kept() -> None:
    assert peak_bytes(4000, Trace(keep=500)) - peak_bytes(1000, Trace(keep=500)) < 20_000
    assert peak_bytes(4000, None) - peak_bytes(1000, None) < 20_000


@pytest.mark.soak
@pytest.mark.skipif(sys.platform == "win32", reason="asks the operating system for the memory of a process")
def test_the_trace_of_a_million_requests_fits_into_bounded_memory() -> None:
    program = """
import resource, sys
sys.path.insert(0, {tests!r})
from sim.test_determinism import requests
from windtunnel.sim.kernel import Simulator
from windtunnel.sim.trace import Trace

trace = Trace(keep=10_000) if {traced} else None
with Simulator(0, trace) as sim:
    requests(sim, {count})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0 if trace is None else trace.count)
"""
    unit = 1024 if sys.platform == "linux" else 1

    def memory(count: int, traced: bool) -> tuple[int, int]:
        code = program.format(tests=str(TESTS), traced=traced, count=count)
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600)
        peak, records = map(int, found.stdout.split())
        return peak * unit, records

    few, _ = memory(100_000, True)
    many, records = memory(1_000_000, True)
    assert records > 4_000_000
    assert many - few < 1_000_000
    assert memory(1_000_000, False)[0] - memory(100_000, False)[0] < 1_000_000
