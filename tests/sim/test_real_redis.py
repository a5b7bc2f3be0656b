"""redis.asyncio, unmodified, to a RESP server on asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from helpers.resp_server import RespServer
from windtunnel.sim.host import Host
from windtunnel.sim.kernel import Simulator

redis = pytest.importorskip("redis.asyncio")
LATENCY_S = 0.010


@pytest.fixture
def world() -> Iterator[tuple[Simulator, Host, Host, RespServer]]:
    with Simulator(5) as sim:
        client, server = sim.host("client"), sim.host("cache")
        sim.network.connect(client, server, latency=LATENCY_S)
        resp = RespServer()
        server.start(resp.serve)
        yield sim, client, server, resp


def connect(**options: object) -> redis.Redis:
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    return redis.Redis(host="cache", retry=Retry(NoBackoff(), 0), protocol=2, **options)


def test_each_command_takes_a_round_trip_and_a_pipeline_takes_one(world) -> None:
    sim, client, _, _ = world

    async def main() -> tuple[bytes, float, list[object], float]:
        async with connect() as cache:
            await cache.set("key", "value")
            start = sim.now
            value = await cache.get("key")
            one = sim.now - start
            async with cache.pipeline(transaction=True) as pipe:
                pipe.incr("n").incr("n").incr("n")
                start = sim.now
                answers = await pipe.execute()
            return value, one, answers, sim.now - start

    value, one, answers, batch = sim.run_until(client.create_task(main()))
    assert value == b"value"
    assert answers == [1, 2, 3]
    assert one == pytest.approx(2 * LATENCY_S)
    assert batch == pytest.approx(2 * LATENCY_S)


def test_published_messages_reach_a_subscriber_on_another_host(world) -> None:
    sim, client, _, _ = world
    reader = sim.host("reader")
    heard: list[bytes] = []

    async def listen() -> None:
        async with connect() as cache, cache.pubsub() as pubsub:
            await pubsub.subscribe("news")
            async for message in pubsub.listen():
                if message["type"] == "message":
                    heard.append(message["data"])  # noqa: PERF401  (others read it meanwhile)

    async def speak() -> int:
        await asyncio.sleep(1.0)
        async with connect() as cache:
            count: int = await cache.publish("news", "rain")
        await asyncio.sleep(1.0)
        return count

    reader.create_task(listen())
    assert sim.run_until(client.create_task(speak())) == 1
    assert heard == [b"rain"]


def test_a_partition_times_out_and_the_command_may_have_happened(world) -> None:
    sim, client, server, resp = world

    async def main() -> tuple[float, str]:
        cache = connect(socket_timeout=2.0, socket_connect_timeout=2.0)
        await cache.incr("n")
        with sim.network.partition(server, client, one_way=True):  # answers get lost
            start = sim.now
            with pytest.raises(redis.TimeoutError):
                await cache.incr("n")
            waited = sim.now - start
        value: bytes = await cache.get("n")
        await cache.aclose()
        return waited, value.decode()

    waited, value = sim.run_until(client.create_task(main()))
    assert waited == pytest.approx(2.0, abs=0.01)
    assert value == "2"
    assert resp.commands.count(b"INCRBY") == 2


def test_no_connection_through_a_partition_until_the_callers_patience_ends(world) -> None:
    sim, client, _, _ = world

    async def main() -> float:
        cache = connect(socket_connect_timeout=3.0)
        with sim.network.partition(client), pytest.raises(redis.TimeoutError):
            await cache.ping()
        await cache.aclose()
        return sim.now

    assert sim.run_until(client.create_task(main())) == pytest.approx(3.0)


@pytest.mark.parametrize("process_only", [True, False])
def test_a_crash_in_the_middle_loses_what_was_in_memory(world, process_only: bool) -> None:
    sim, client, server, _ = world

    async def main() -> list[object]:
        seen: list[object] = []
        cache = connect(socket_timeout=1.0, socket_connect_timeout=1.0)
        for _ in range(8):
            try:
                seen.append(await cache.incr("n"))
            except (redis.ConnectionError, redis.TimeoutError) as error:
                seen.append(type(error).__name__)
            await asyncio.sleep(1.0)
        await cache.aclose()
        return seen

    sim.faults.crash(server, at_s=2.5, for_s=2.0, process_only=process_only)
    seen = sim.run_until(client.create_task(main()))
    assert seen[:3] == [1, 2, 3]
    assert any(isinstance(each, str) for each in seen)
    assert seen[-1] == sum(isinstance(each, int) for each in seen) - 3  # it began again at nothing
    assert set(map(str, seen[3:])) <= {"ConnectionError", "TimeoutError", "1", "2", "3", "4", "5"}
