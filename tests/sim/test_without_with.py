"""A script that never closes its simulation ends as quietly as one that does."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from windtunnel.sim import sandbox
from windtunnel.sim.kernel import Simulator

SCRIPT = """
import asyncio, gc
from windtunnel.sim import Simulator

def world(collected=False):
    sim = Simulator(0)
    a, b = sim.host("a"), sim.host("b")

    async def talk(reader, writer):
        try:
            while data := await reader.read(10):
                writer.write(data)
        finally:
            await asyncio.sleep(1)
            writer.close()

    async def serve():
        async with await asyncio.start_server(talk, "0.0.0.0", 80) as server:
            await server.serve_forever()

    async def ask():
        reader, writer = await asyncio.open_connection("b", 80)
        try:
            await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()

    async def stubborn():
        while True:
            try:
                await asyncio.sleep(1)
            except GeneratorExit:
                if collected:  # the collector, unlike the tunnel, asks once
                    return

    async def numbers():
        try:
            while True:
                yield 1
                await asyncio.sleep(0.1)
        finally:
            await asyncio.sleep(1)

    async def count():
        async for _ in numbers():
            pass

    async def light():
        try:
            await sim.sleep(100)
        finally:
            await sim.sleep(1)

    b.start(serve)
    for program in (ask, stubborn, count):
        a.create_task(program())
    sim.spawn(light(), daemon=True)
    sim.run(until=5)
    return sim
"""


COLLECTED = pytest.param(
    "world(True); gc.collect()",
    marks=pytest.mark.skipif(
        sys.version_info >= (3, 13), reason="its collector ends programs before it asks the world they are in: close it"
    ),
)


@pytest.mark.parametrize("end", ["one = world()", COLLECTED, "one = world()\none = world()", "with world(): pass"])
def test_a_script_that_leaves_programs_waiting_ends_without_a_word(end: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", SCRIPT + end], capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout + done.stderr == ""


def test_a_simulation_may_be_collected_while_another_one_begins_or_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    put = sandbox._put
    left: list[Simulator] = []

    def put_and_collect(owner: object, name: str, thing: object) -> None:
        left.clear()  # the last reference to a simulation that still has something to bury
        put(owner, name, thing)

    monkeypatch.setattr(sandbox, "_put", put_and_collect)
    for _ in range(3):
        other = Simulator()
        other.spawn(other.sleep(1.0), daemon=True)
        left.append(other)
        del other
        with Simulator() as sim:
            sim.run_process(sim.sleep(1.0))
            assert not left
    assert time.time() > 1.5e9
    assert sandbox.current_simulator() is None
