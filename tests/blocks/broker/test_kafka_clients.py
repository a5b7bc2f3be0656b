"""Kafka's own clients, unmodified, speak to our broker: aiokafka here and in the tunnel, librdkafka live."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from helpers.kafka_process import BrokerProcess
from windtunnel.blocks.broker import KafkaBroker
from windtunnel.blocks.ground import DiskFiles
from windtunnel.sim import Simulator

aiokafka = pytest.importorskip("aiokafka")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What a client says of a broker that is away is no news here."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def producer(at: str, **more: Any) -> Any:
    quick = {"retry_backoff_ms": 50, "request_timeout_ms": 2000, "metadata_max_age_ms": 3_600_000}
    return aiokafka.AIOKafkaProducer(bootstrap_servers=at, enable_idempotence=True, **quick, **more)


def consumer(at: str, group: str | None = None, **more: Any) -> Any:
    quick = {"retry_backoff_ms": 50, "request_timeout_ms": 2000, "heartbeat_interval_ms": 100}
    quick |= {"session_timeout_ms": 1000, "metadata_max_age_ms": 3_600_000, "fetch_max_wait_ms": 50}
    return aiokafka.AIOKafkaConsumer(
        *(["orders"] if group else []),
        bootstrap_servers=at,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **{**quick, **more},
    )


async def everything(at: str, count: int) -> dict[int, list[tuple[int, bytes]]]:
    """Offsets and values of all three partitions, read by a consumer without a group."""
    found = defaultdict[int, list[tuple[int, bytes]]](list)
    reader = consumer(at)
    await reader.start()
    try:
        partitions = [aiokafka.TopicPartition("orders", i) for i in range(3)]
        reader.assign(partitions)
        await reader.seek_to_beginning(*partitions)
        while sum(map(len, found.values())) < count:
            one = await reader.getone()
            found[one.partition].append((one.offset, one.value))
    finally:
        await reader.stop()
    return found


def test_aiokafka_produces_and_a_group_consumes_and_goes_on_where_it_was(tmp_path: Path) -> None:
    async def main() -> None:
        async with KafkaBroker(DiskFiles(tmp_path)) as broker:
            at = f"127.0.0.1:{broker.port}"
            async with producer(at) as sends:
                for i in range(60):
                    told = await sends.send_and_wait("orders", b"%d" % i, partition=i % 3)
                    assert (told.partition, told.offset) == (i % 3, i // 3)
            seen = []
            for upto in (25, 60):  # the second has the place of the first, which has gone
                async with consumer(at, "billing") as reads:
                    while len(seen) < upto:
                        one = await reads.getone()
                        seen.append(one.value)
                        await reads.commit({aiokafka.TopicPartition("orders", one.partition): one.offset + 1})
            assert sorted(seen, key=int) == [b"%d" % i for i in range(60)]
            assert broker.coordinator.groups["billing"].generation == 4  # each has come and gone
        async with KafkaBroker(DiskFiles(tmp_path)) as again:  # and the next life knows it all
            found = await everything(f"127.0.0.1:{again.port}", 60)
            assert {p: [int(v) for _, v in told] for p, told in found.items()} == {
                p: list(range(p, 60, 3)) for p in range(3)
            }
            assert again.offsets.committed("billing", "orders", 2) == (20, "")
            assert again.offsets.generation_of("billing") == 4

    asyncio.run(main())


def test_two_consumers_of_a_group_share_the_partitions_and_one_takes_over(tmp_path: Path) -> None:
    async def main() -> None:
        async with KafkaBroker(DiskFiles(tmp_path)) as broker:
            at = f"127.0.0.1:{broker.port}"
            async with producer(at) as sends:
                await sends.send_and_wait("orders", b"first", partition=0)
                async with consumer(at, "g") as one:
                    async with consumer(at, "g") as two:
                        while len(one.assignment()) + len(two.assignment()) != 3 or not two.assignment():
                            await asyncio.gather(one.getmany(timeout_ms=20), two.getmany(timeout_ms=20))
                        assert not one.assignment() & two.assignment()
                    while len(one.assignment()) < 3:
                        await one.getmany(timeout_ms=20)

    asyncio.run(main())


class World:
    """A broker, a producer and a consumer on three hosts of the tunnel."""

    def __init__(self, seed: int) -> None:
        self.sim = Simulator(seed)
        self.broker, self.sender, self.reader = (self.sim.host(name) for name in ("broker", "sender", "reader"))
        for host in (self.sender, self.reader):
            self.sim.network.connect(host, self.broker, latency=0.001)
        self.brokers: list[KafkaBroker] = []
        self.broker.start(self.serve)
        self.acked: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        self.errors: list[BaseException] = []

    async def serve(self) -> None:
        made = KafkaBroker(DiskFiles("data"), host="0.0.0.0", advertised="broker", port=9092, sync_each=True)
        self.brokers.append(made)
        await made.start()
        await asyncio.Event().wait()

    async def send(self, count: int) -> None:
        await asyncio.sleep(0.1)
        async with producer("broker:9092", max_batch_size=300) as sends:
            for i in range(count):
                value = b"%d" % i
                waits = await sends.send("orders", value, partition=i % 3)

                def told(done: Any, value: bytes = value) -> None:
                    if done.exception() is None:
                        self.acked[done.result().partition].append((done.result().offset, value))
                    else:
                        self.errors.append(done.exception())

                waits.add_done_callback(told)
                await asyncio.sleep(0.002)
            await sends.flush()


@pytest.mark.parametrize("power", [False, True], ids=["process", "power"])
def test_aiokafka_in_the_tunnel_loses_and_doubles_nothing_over_a_crash_of_the_broker(power: bool) -> None:
    def run(seed: int) -> tuple[World, dict[int, list[tuple[int, bytes]]], float]:
        world = World(seed)
        with world.sim:
            world.sim.call_at(400_000_000, lambda: world.broker.crash(process_only=not power))
            world.sim.call_at(700_000_000, world.broker.restart)
            world.sim.run_until(world.sender.create_task(world.send(240)))
            found = world.sim.run_until(world.reader.create_task(everything("broker:9092", 240)))
            return world, found, world.sim.now

    world, found, now_s = run(1)
    assert world.errors == []
    assert found == {p: [(i, b"%d" % (p + 3 * i)) for i in range(80)] for p in range(3)}
    assert {p: sorted(told) for p, told in world.acked.items()} == found
    again, _, now_again_s = run(1)
    assert (now_again_s, again.brokers[-1].requests) == (now_s, world.brokers[-1].requests)


def librdkafka(address: str, count: int) -> tuple[list[object], dict[int, list[tuple[int, bytes]]]]:
    """Errors of what a producer sent, and what a consumer of a group read."""
    kafka = pytest.importorskip("confluent_kafka")
    errors: list[object] = []
    sends = kafka.Producer({"bootstrap.servers": address, "enable.idempotence": True, "batch.num.messages": 50})
    for i in range(count):
        sends.produce("orders", b"%d" % i, partition=i % 3, on_delivery=lambda error, _: errors.append(error))
        sends.poll(0)
    sends.flush()
    settings = {"group.id": "g", "auto.offset.reset": "earliest", "enable.auto.commit": False}
    reads = kafka.Consumer({"bootstrap.servers": address, **settings})
    reads.subscribe(["orders"])
    found = defaultdict[int, list[tuple[int, bytes]]](list)
    while sum(map(len, found.values())) < count:
        one = reads.poll(1.0)
        if one is not None and one.error() is None:
            found[one.partition()].append((one.offset(), one.value()))
    reads.commit(asynchronous=False)
    reads.close()
    return errors, found


@pytest.mark.live
def test_librdkafka_produces_and_a_group_of_it_consumes(tmp_path: Path) -> None:
    async def main() -> None:
        async with KafkaBroker(DiskFiles(tmp_path)) as broker:
            errors, found = await asyncio.to_thread(librdkafka, f"127.0.0.1:{broker.port}", 3000)
            assert errors == [None] * 3000
            assert found == {p: [(i, b"%d" % (p + 3 * i)) for i in range(1000)] for p in range(3)}
            assert [broker.offsets.committed("g", "orders", p)[0] for p in range(3)] == [1000] * 3

    asyncio.run(main())


@pytest.mark.live
@pytest.mark.parametrize("torn", [False, True], ids=["whole", "torn"])
def test_a_broker_that_is_killed_and_comes_again_loses_and_doubles_nothing(torn: bool, tmp_path: Path) -> None:
    async def main() -> None:
        acked: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        with BrokerProcess(tmp_path) as broker:
            async with producer(broker.address, max_batch_size=500) as sends:
                waits = []
                for i in range(1500):
                    waits.append((await sends.send("orders", b"%d" % i, partition=i % 3), b"%d" % i))
                    await asyncio.sleep(0.0005)
                    if i in (400, 900):
                        broker.kill()
                        if torn:
                            assert broker.tear() == 3
                        await asyncio.to_thread(broker.start)
                for wait, value in waits:
                    told = await wait
                    acked[told.partition].append((told.offset, value))
            found = await everything(broker.address, 1500)
            assert broker.killed == 2
        assert found == acked == {p: [(i, b"%d" % (p + 3 * i)) for i in range(500)] for p in range(3)}

    asyncio.run(main())


KILLS, EACH = 30, 120
"""How often the broker is killed, and records that are sent around each of these."""
LIMIT_S = 60


@pytest.mark.live
def test_thirty_times_kill_9_while_records_are_sent_and_each_time_all_that_was_told_is_read_back(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        acked: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        luck, under_way = Random(13), 0
        with BrokerProcess(tmp_path) as broker:
            async with producer(broker.address, max_batch_size=200) as sends:
                for number in range(KILLS):
                    waits = [
                        (await sends.send("orders", b"%d" % i, partition=i % 3), b"%d" % i)
                        for i in range(number * EACH, (number + 1) * EACH)
                    ]
                    await waits[luck.randrange(EACH)][0]
                    under_way += not all(wait.done() for wait, _ in waits)
                    broker.kill()
                    if number % 2:
                        assert broker.tear() == 3
                    await asyncio.to_thread(broker.start)
                    async with asyncio.timeout(LIMIT_S):  # what is lost would be waited for
                        for wait, value in waits:
                            told = await wait
                            acked[told.partition].append((told.offset, value))
                        assert await everything(broker.address, (number + 1) * EACH) == acked
            assert broker.killed == KILLS
        assert under_way > KILLS / 2, "killed when all was told already"
        assert acked == {p: [(i, b"%d" % (p + 3 * i)) for i in range(KILLS * EACH // 3)] for p in range(3)}

    asyncio.run(main())
