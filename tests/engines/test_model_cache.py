"""The modelled cache under faults: what it loses, and what it does once only."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from windtunnel.engines.cache.model import ModelCache
from windtunnel.engines.errors import Unavailable
from windtunnel.sim.kernel import Simulator


def test_a_crash_loses_everything_unless_it_is_durable() -> None:
    for durable, kept in ((False, None), (True, "1")):
        with Simulator(1) as sim:
            cache = ModelCache(sim, durable=durable)

            async def script(cache: ModelCache = cache) -> Any:
                await cache.set("a", 1)
                cache.crash()
                with pytest.raises((Unavailable, ConnectionError)):
                    await cache.get("a")
                cache.restart()
                return await cache.get("a")

            assert sim.run_process(script()) == kept


def test_a_fail_over_loses_what_had_not_been_copied() -> None:
    with Simulator(1) as sim:
        cache = ModelCache(sim, replicas=1, lag_s=0.05)

        async def script() -> list[Any]:
            await cache.set("a", 1)
            await sim.sleep(0.2)
            await cache.set("b", 1)
            cache.fail_over()
            return [await cache.get("a"), await cache.get("b")]

        assert sim.run_process(script()) == ["1", None]


def test_a_replica_that_was_cut_off_has_everything_again_after_a_while() -> None:
    with Simulator(1) as sim:
        cache = ModelCache(sim, replicas=1)

        async def script() -> list[Any]:
            await cache.set("a", 1)
            await sim.sleep(0.1)
            sim.hosts["cache replica"].crash()
            await cache.set("b", 1)
            await sim.sleep(1.0)
            sim.hosts["cache replica"].restart()
            await cache.set("c", 1)
            await sim.sleep(400.0)
            await cache.set("d", 1)
            await sim.sleep(400.0)
            cache.fail_over()
            return [await cache.get(key) for key in "abcd"]

        assert sim.run_process(script()) == ["1", "1", "1", "1"]


def test_an_increment_whose_answer_is_cut_happens_once() -> None:
    with Simulator(1) as sim:
        cache = ModelCache(sim)

        async def script() -> Any:
            await cache.increment("n")
            clients = sim.hosts["clients"]
            cut = sim.network.partition([cache.host], [clients], one_way=True)
            with pytest.raises(TimeoutError):
                await clients.create_task(asyncio.wait_for(cache.increment("n"), 1.0), name="impatient")
            cut.heal()
            await sim.sleep(5.0)
            return await cache.get("n")

        assert sim.run_process(script()) == "2"


def test_two_runs_with_one_seed_take_the_same_time() -> None:
    def run() -> float:
        with Simulator(3) as sim:
            cache = ModelCache(sim)

            async def script() -> float:
                for i in range(50):
                    await cache.set(f"key {i}", i, ttl_s=1 + i)
                return sim.now

            return sim.run_process(script())

    assert run() == run()
