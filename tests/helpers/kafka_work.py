"""Producers and consumers of Kafka's own clients, each in a process of its own, which tells by JSON what it does.

`main(role, client, address, name, count)`: a producer sends so many records to three partitions and tells what was
acknowledged; a consumer of the group tells what it handles and what became of each commit, until its input closes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
from pathlib import Path
from typing import Any

TOPIC, GROUP, PARTITIONS = "orders", "billing", 3
SESSION_MS = 3000
TOLD_EVERY = 500
OVER = threading.Event()


def say(**told: Any) -> None:
    os.write(1, json.dumps(told).encode() + b"\n")


def value(name: str, i: int) -> bytes:
    return f"{name}:{i}".encode()


class Acks:
    """What was acknowledged, told now and then."""

    def __init__(self) -> None:
        self.new: list[tuple[int, int, str]] = []

    def note(self, partition: int, offset: int, told: bytes) -> None:
        self.new.append((partition, offset, told.decode()))
        if len(self.new) >= TOLD_EVERY:
            self.tell()

    def tell(self) -> None:
        say(acked=self.new)
        self.new = []


# --- aiokafka --------------------------------------------------------------------------------------------------------
async def aio_produce(address: str, name: str, count: int) -> None:
    import aiokafka

    acks = Acks()
    quick = {"retry_backoff_ms": 100, "request_timeout_ms": 5000, "max_batch_size": 1000}
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=address, enable_idempotence=True, **quick) as sends:
        waits: list[tuple[Any, bytes]] = []
        for i in range(count):
            told = value(name, i)
            waits.append((await sends.send(TOPIC, told, partition=i % PARTITIONS), told))
            if len(waits) == 600:
                for wait, sent in waits:
                    found = await wait
                    acks.note(found.partition, found.offset, sent)
                waits = []
        for wait, sent in waits:
            found = await wait
            acks.note(found.partition, found.offset, sent)
    acks.tell()


async def aio_reader(address: str) -> Any:
    """A consumer that has started; one that comes while the broker is down gives up by itself, so it is made anew."""
    import aiokafka
    from aiokafka.errors import KafkaError

    quick = {"retry_backoff_ms": 100, "request_timeout_ms": 5000, "heartbeat_interval_ms": 300}
    while True:
        reads = aiokafka.AIOKafkaConsumer(
            TOPIC,
            bootstrap_servers=address,
            group_id=GROUP,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=SESSION_MS,
            fetch_max_wait_ms=100,
            **quick,
        )
        try:
            await reads.start()
            return reads
        except KafkaError:
            await reads.stop()
            await asyncio.sleep(0.1)


async def aio_consume(address: str) -> None:
    from aiokafka.errors import KafkaError

    reads = await aio_reader(address)
    while not OVER.is_set():
        found = await reads.getmany(timeout_ms=200, max_records=500)
        if not found:
            continue
        rows = [(place.partition, one.offset, one.value.decode()) for place, many in found.items() for one in many]
        say(handled=rows)
        try:
            await reads.commit({place: many[-1].offset + 1 for place, many in found.items()})
            say(committed=True)
        except KafkaError as error:
            say(committed=False, why=type(error).__name__)
    await reads.stop()


# --- librdkafka ------------------------------------------------------------------------------------------------------
RDKAFKA = {"reconnect.backoff.max.ms": 500, "log_level": 0}


def rd_produce(address: str, name: str, count: int) -> None:
    import confluent_kafka

    acks = Acks()
    settings = {"enable.idempotence": True, "batch.num.messages": 40, "linger.ms": 2, "retry.backoff.ms": 100}
    sends = confluent_kafka.Producer({"bootstrap.servers": address, **settings, **RDKAFKA})

    def told(error: Any, one: Any) -> None:
        assert error is None, error
        acks.note(one.partition(), one.offset(), one.value())

    for i in range(count):
        while len(sends) > 1500:
            sends.poll(0.05)
        sends.produce(TOPIC, value(name, i), partition=i % PARTITIONS, on_delivery=told)
        sends.poll(0)
    while len(sends):
        sends.poll(0.1)
    acks.tell()


def rd_consume(address: str) -> None:
    import confluent_kafka

    settings = {"group.id": GROUP, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    settings |= {"session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": 300}
    reads = confluent_kafka.Consumer({"bootstrap.servers": address, **settings, **RDKAFKA})
    reads.subscribe([TOPIC])
    while not OVER.is_set():
        found = [one for one in reads.consume(500, timeout=0.2) if one.error() is None]
        if not found:
            continue
        say(handled=[(one.partition(), one.offset(), one.value().decode()) for one in found])
        last = {one.partition(): one.offset() + 1 for one in found}
        try:
            reads.commit(
                offsets=[confluent_kafka.TopicPartition(TOPIC, p, offset) for p, offset in last.items()],
                asynchronous=False,
            )
            say(committed=True)
        except confluent_kafka.KafkaException as error:
            say(committed=False, why=error.args[0].name())
    reads.close()


def main(role: str, client: str, address: str, name: str, count: str) -> None:
    """One role of one client."""
    logging.disable(logging.CRITICAL)
    if role == "consume":
        threading.Thread(target=lambda: (sys.stdin.read(), OVER.set()), daemon=True).start()
    if client == "aiokafka":
        asyncio.run(aio_produce(address, name, int(count)) if role == "produce" else aio_consume(address))
    elif role == "produce":
        rd_produce(address, name, int(count))
    else:
        rd_consume(address)


class Worker:
    """Such a process, and what it has told."""

    def __init__(self, role: str, client: str, address: str, name: str, count: int = 0) -> None:
        self.args = (role, client, address, name, str(count))
        self.acked: list[tuple[int, int, str]] = []
        self.handled: list[tuple[int, int, str]] = []
        self.refused: list[str] = []
        self.commits = 0

    async def start(self) -> Worker:
        code = "import sys; from helpers.kafka_work import main; main(*sys.argv[1:])"
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            code,
            *self.args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
            limit=1 << 24,
        )
        self.listens = asyncio.create_task(self.listen())
        return self

    async def listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            told = json.loads(line)
            self.acked += [tuple(one) for one in told.get("acked", ())]
            self.handled += [tuple(one) for one in told.get("handled", ())]
            if "committed" in told:
                self.commits += told["committed"]
                if not told["committed"]:
                    self.refused.append(told["why"])

    async def over(self) -> int:
        """Ask it to end, and wait until it has."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.listens
        return await self.process.wait()
