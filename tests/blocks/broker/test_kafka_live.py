"""Both of Kafka's clients, a hundred thousand records, a broker killed five times, and a consumer that freezes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.kafka_process import BrokerProcess
from helpers.kafka_work import PARTITIONS, SESSION_MS, TOPIC, Worker

RECORDS, BATCHES, PRODUCERS = 100_000, 2_000, ("one", "two")
KILLED_AT = {15_000: False, 30_000: True, 45_000: False, 60_000: True, 75_000: False}
"""After so many acknowledgements; True: a torn batch is left behind."""
LIMIT_S = 150
"""So long each thing that is waited for may take, on a busy machine."""


async def played(client: str, broker: BrokerProcess) -> tuple[list[Worker], dict[str, Worker]]:
    """The whole story; the producers, and the consumers by name."""
    producers = [await Worker("produce", client, broker.address, n, RECORDS // 2).start() for n in PRODUCERS]
    consumers = {name: await Worker("consume", client, broker.address, name).start() for name in ("freezes", "leaves")}

    def acked() -> int:
        return sum(len(one.acked) for one in producers)

    def handled() -> set[tuple[int, int]]:
        return {(partition, offset) for one in consumers.values() for partition, offset, _ in one.handled}

    async def until(done: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not done():  # noqa: ASYNC110  (several processes tell, and what is waited for is a sum)
                await asyncio.sleep(0.02)

    for number, (count, torn) in enumerate(KILLED_AT.items()):
        await until(lambda count=count: acked() >= count)
        broker.kill()
        if torn:
            assert broker.tear() == PARTITIONS
        await asyncio.to_thread(broker.start)
        if number == 0:
            consumers["joins"] = await Worker("consume", client, broker.address, "joins").start()
        if number == 2:
            await until(lambda: len(consumers["joins"].handled) > 0)
            assert await consumers["leaves"].over() == 0
    for one in producers:
        await until(lambda one=one: one.process.returncode is not None)
        await one.listens
    await until(lambda: len(consumers["freezes"].handled) > 0)
    frozen = consumers["freezes"].process
    frozen.send_signal(signal.SIGSTOP)
    await asyncio.sleep(2 * SESSION_MS / 1000)
    late = await Worker("produce", client, broker.address, "late", 3000).start()
    await until(lambda: late.process.returncode is not None)
    await late.listens
    frozen.send_signal(signal.SIGCONT)
    after = await Worker("produce", client, broker.address, "after", 3000).start()
    await until(lambda: after.process.returncode is not None)
    await after.listens
    producers += [late, after]
    await until(lambda: len(handled()) == acked())
    for name in ("freezes", "joins"):
        assert await consumers[name].over() == 0
    return producers, consumers


def log_of(folder: Path) -> tuple[dict[int, list[tuple[int, str]]], int]:
    """Offsets and values of each partition, read from the files themselves; and how many batches those are."""
    from windtunnel.blocks.broker import BatchLog, batches_in, records_of
    from windtunnel.blocks.ground import DiskFiles

    found, batches = dict[int, list[tuple[int, str]]](), 0
    for partition in range(PARTITIONS):
        with BatchLog(DiskFiles(folder / "topics"), f"{TOPIC}-{partition}") as log:
            rows, offset = list[tuple[int, str]](), 0
            while data := log.read(offset):
                for header, at in batches_in(data):
                    rows += [(one.offset, (one.value or b"").decode()) for one in records_of(data, at)]
                    offset = header.next_offset
                    batches += 1
            found[partition] = rows
    return found, batches


@pytest.mark.live
@pytest.mark.skipif(os.name != "posix", reason="real processes are killed and stopped by the signals of Unix")
@pytest.mark.parametrize("client", ["aiokafka", "confluent_kafka"])
def test_nothing_acknowledged_is_lost_nothing_comes_twice_and_a_zombie_is_fenced(client: str, tmp_path: Path) -> None:
    pytest.importorskip(client)
    with BrokerProcess(tmp_path) as broker:
        producers, consumers = asyncio.run(played(client, broker))
        assert broker.killed == len(KILLED_AT)
    log, batches = log_of(tmp_path)
    acked = defaultdict[int, list[tuple[int, str]]](list)
    for one in producers:
        for partition, offset, value in one.acked:
            acked[partition].append((offset, value))
    assert {
        partition: sorted(rows) for partition, rows in acked.items()
    } == log  # all of it, at its offset, and no more
    assert batches >= BATCHES
    for rows in log.values():
        assert [offset for offset, _ in rows] == list(range(len(rows)))
        newest = defaultdict[str, int](lambda: -1)
        for _, value in rows:
            name, number = value.split(":")
            assert int(number) > newest[name], "out of order, or twice"
            newest[name] = int(number)
    assert sum(map(len, log.values())) == RECORDS + 6000
    there = {(partition, offset): value for partition, rows in log.items() for offset, value in rows}
    for one in consumers.values():
        assert all(there[partition, offset] == value for partition, offset, value in one.handled)
    notes = [json.loads(line) for line in (tmp_path / "groups.jsonl").read_text("utf-8").splitlines()]
    generations = [note for note in notes if "generation" in note and "owners" in note]
    numbers = [note["generation"] for note in generations]
    assert numbers == sorted(set(numbers))
    for note in generations:
        owned = [partition for share in note["owners"].values() for partition in share]
        assert len(owned) == len(set(owned)), note
    assert any("refused" in note for note in notes)
    assert consumers["freezes"].refused, "its commit was taken after its session was over"
