"""A log with offsets: producers that try again, a broker that may crash, a consumer that goes on where it stopped.

The broker gives each record the next offset, and acknowledges and shows it when it is on the disk. After a crash it
goes on behind what its disk holds. A producer numbers its records, so that the broker knows one that comes again. The
consumer does what a record asks for, and commits its offset after that: it does some of them twice, and none never.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from windtunnel.checkers import check_log
from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.history import History, Op
from windtunnel.lab.params import param
from windtunnel.lab.stage import Stage
from windtunnel.parts import Journal, Peer, quiet
from windtunnel.sim.kernel import Process, process

IDLE_S = 0.005
"""How long the consumer waits when there is nothing new."""


@dataclass(frozen=True)
class Params:
    requests: int = param(16, "appends and polls", 1)
    producers: int = param(2, "producers", 1)
    every_s: float = param(0.004, "seconds between requests, mean", 0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`append(partition, value, producer)` and `poll(partition, reader)`."""
    at = 0.0
    for number in range(p.requests):
        at += luck.expovariate(1 / p.every_s)
        if luck.random() < 0.6:
            producer = luck.randrange(p.producers)
            yield Op(at, f"producer {producer}", "append", (0, number, producer))
        else:
            yield Op(at, f"reader {number}", "poll", (0,))


class Broker(Peer):
    """Offsets, in the order of a journal."""

    def boot(self) -> None:
        self.journal = Journal(self.host)
        self.log: dict[int, Any] = {}
        self.offset_of: dict[str, int] = {}
        for offset, value, name in self.journal.records():
            self.log[offset] = value
            self.offset_of[name] = offset
        self.next = self.recovered()
        self.safe = self.next

    def recovered(self) -> int:
        """The offset after the last one on the disk."""
        return max(self.log, default=-1) + 1

    async def append(self, value: Any, name: str) -> int:
        """The offset of the record with this name."""
        if name not in self.offset_of:
            offset = self.offset_of[name] = self.next
            self.next += 1
            self.log[offset] = value
            self.journal.append((offset, value, name))
        offset, end = self.offset_of[name], self.next
        await self.settle(end)
        return offset

    async def settle(self, end: int) -> None:
        """Wait until everything below this offset is on the disk."""
        await self.journal.sync()
        self.safe = max(self.safe, end)

    def read(self, start: int) -> list[tuple[int, Any]]:
        """What readers may see, from an offset on."""
        return [(offset, self.log[offset]) for offset in sorted(self.log) if start <= offset < self.safe]


class Consumer(Peer):
    """Does what records ask for. What it has done is outside of it, and survives it."""

    def __init__(self, stage: Stage, broker: Broker) -> None:
        super().__init__(stage, "consumer")
        self.broker = broker
        self.done: list[Any] = []

    def boot(self) -> None:
        self.journal = Journal(self.host)
        self.committed = max(self.journal.records(), default=0)
        self.host.spawn(self.consume(), daemon=True)

    async def consume(self) -> None:
        while True:
            records = await self.insist(self.broker, "read", self.committed)
            for offset, value in records:
                await self.process(offset, value)
            if not records:
                await self.sim.sleep(IDLE_S)

    async def process(self, offset: int, value: Any) -> None:
        await self.handle(value)
        await self.commit(offset + 1)

    async def handle(self, value: Any) -> None:
        await self.sim.sleep(0.002)
        self.done.append(value)

    async def commit(self, offset: int) -> None:
        self.committed = offset
        await self.journal.keep(offset)


class Durable:
    """Acknowledge what is on the disk, know what comes again, commit what is done."""

    broker_kind: type[Broker] = Broker
    consumer_kind: type[Consumer] = Consumer

    def __init__(self, stage: Stage, p: Params) -> None:
        self.sim = stage.sim
        self.broker = self.broker_kind(stage, "broker")
        self.consumer = self.consumer_kind(stage, self.broker)
        self.producers = [Peer(stage, f"producer {i}") for i in range(p.producers)]
        self.reader = Peer(stage, "reader")

    def append(self, partition: int, value: Any, producer: int) -> Process[int]:
        return self.producers[producer].work(self._append(self.producers[producer], value))

    async def _append(self, me: Peer, value: Any) -> int:
        for attempt in range(5):
            answer = me.ask(self.broker, "append", value, self.name(value, attempt))
            if await answer.within(0.02):
                return int(answer.result())
        raise TimeoutError("the broker does not answer")

    def name(self, value: Any, attempt: int) -> str:
        return f"record {value}"

    def poll(self, partition: int) -> Process[list[tuple[int, Any]]]:
        return self.reader.work(self.reader.call(self.broker, "read", 0))

    @process
    async def report(self) -> Mapping[str, Any]:
        """What was done of it, once all is quiet."""
        await quiet([self.broker], lambda: self.consumer.committed >= self.broker.safe)
        return {"done": sorted(self.consumer.done)}


class HastyBroker(Broker):
    async def settle(self, end: int) -> None:
        self.safe = max(self.safe, end)


class AckFromMemory(Durable):
    """Acknowledges and shows records that the disk may not have."""

    broker_kind = HastyBroker


class OpenBroker(Broker):
    def read(self, start: int) -> list[tuple[int, Any]]:
        return [(offset, self.log[offset]) for offset in sorted(self.log) if offset >= start]


class ShowsTooEarly(Durable):
    """Shows readers what is not on the disk yet: after a crash another record stands at that offset."""

    broker_kind = OpenBroker


class CheckpointBroker(Broker):
    def boot(self) -> None:
        self.checkpoint = Journal(self.host, "checkpoint")
        super().boot()

    def recovered(self) -> int:
        return max(self.checkpoint.records(), default=0)

    async def settle(self, end: int) -> None:
        await super().settle(end)
        if end % 4 == 0:
            await self.checkpoint.keep(end)


class OffsetFromCheckpoint(Durable):
    """Goes on after a crash at the offset of the last checkpoint: offsets are given out again."""

    broker_kind = CheckpointBroker


class NewNamePerTry(Durable):
    """A producer that tries again sends a new record: the broker cannot know that it has it."""

    def name(self, value: Any, attempt: int) -> str:
        return f"record {value}.{attempt}"


class HastyConsumer(Consumer):
    async def process(self, offset: int, value: Any) -> None:
        await self.commit(offset + 1)
        await self.handle(value)


class CommitsFirst(Durable):
    """Commits the offset, then does the work: what a crash interrupts is never done."""

    consumer_kind = HastyConsumer


def measure(history: History, p: Params) -> Mapping[str, float]:
    """What the log check finds, and records that were acknowledged and never processed."""
    verdict = check_log(history)
    done = set(history.facts["done"])
    acknowledged = [e.args[1] for e in history.where(name="append", outcome="ok")]
    return {
        "contradictions": verdict.status == "invalid",
        "never_done": sum(value not in done for value in acknowledged),
    }


experiment = Experiment(
    title="Log",
    question="Does every record stand at one offset, once, and is it processed?",
    params=Params,
    workload=workload,
    designs={
        "ack_from_memory": AckFromMemory,
        "shows_too_early": ShowsTooEarly,
        "offset_from_checkpoint": OffsetFromCheckpoint,
        "new_name_per_try": NewNamePerTry,
        "commits_first": CommitsFirst,
        "correct": Durable,
    },
    claims=(),
    measure=measure,
    demands=(
        Claim("yours.contradictions == 0", "An offset is for ever.", always=True),
        Claim("yours.never_done == 0", "What was acknowledged is processed.", always=True),
        Claim("yours.ok >= 0.8 * params.requests", "Without faults requests are answered."),
    ),
)
