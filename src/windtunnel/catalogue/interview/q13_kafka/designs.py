"""Two designs without a log that stays: a list in memory, and a queue on a disk that deletes what it has handed out."""

from __future__ import annotations

from collections import deque
from typing import Any

from windtunnel import Stage
from windtunnel.blocks.broker import BatchLog, CommittedOffsets, batches_in, records_of
from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.interview.q13_kafka.episodes import Setting
from windtunnel.catalogue.interview.q13_kafka.machines import PARTITIONS, Desk, Given, Verdict

GIVEN = 4  # unclaimed: how many a member is handed at once changes nothing but how many go with it
"""Most records that a member is handed at once."""
ROOM = 1 << 20  # unclaimed: more than a log of these has
"""Most bytes that are read at once."""


def records_in(data: bytes, offset: int) -> list[tuple[int, bytes]]:
    """Offsets and values of batches, from this offset on."""
    return [
        (record.offset, record.value or b"")
        for _, at in batches_in(data)
        for record in records_of(data, at)
        if record.offset >= offset
    ]


class Design:
    """What all have in common: who waits for whom, and who leads."""

    acks = 1
    idempotent = False
    alone = True
    desk: Desk

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.stage, self.p = stage, p

    def boot(self, desk: Desk) -> None:
        """It has started."""
        self.desk = desk

    async def run(self) -> None:
        """Nothing besides."""

    def hear(self, verdict: Verdict) -> None:
        """Who is alone leads anyway."""

    def proposed(self) -> frozenset[int] | None:
        """Nobody else."""
        return None

    async def answer(self, asked: Any) -> Any:
        """Nobody asks."""
        raise Refused


class ListInMemory(Design):
    """A list in the memory of one server: a record is there until somebody is handed it."""

    def boot(self, desk: Desk) -> None:
        super().boot(desk)
        self.lists: list[deque[tuple[int, bytes]]] = [deque() for _ in range(PARTITIONS)]
        self.next = [0] * PARTITIONS

    async def append(self, partition: int, batch: bytes) -> None:
        for record in records_of(batch):
            self.lists[partition].append((self.next[partition], record.value or b""))
            self.next[partition] += 1  # unclaimed: any number that grows would do

    async def poll(self, member: str, generation: int, handled: dict[int, int]) -> tuple[int, Given]:
        given: Given = []
        for partition, held in enumerate(self.lists):
            while held and len(given) < GIVEN:
                given.append((partition, *held.popleft()))
        return 0, given

    async def read(self, partition: int, offset: int) -> list[tuple[int, bytes]]:
        return [one for one in self.lists[partition] if one[0] >= offset]  # unclaimed: by then all is handed out


class DeletingQueue(Design):
    """A queue on the disk of one server, synced before it says yes; what it hands out it deletes."""

    def boot(self, desk: Desk) -> None:
        super().boot(desk)
        self.logs = [BatchLog(desk.files, f"queue-{i}") for i in range(PARTITIONS)]
        self.deleted = CommittedOffsets(desk.files, "deleted", sync_each=True)

    def first(self, partition: int) -> int:
        """The first offset that is not deleted."""
        return max(0, self.deleted.committed("", "", partition)[0])

    async def append(self, partition: int, batch: bytes) -> None:
        log = self.logs[partition]
        log.append(batch)
        await self.desk.synced()
        log.sync()

    async def poll(self, member: str, generation: int, handled: dict[int, int]) -> tuple[int, Given]:
        given: Given = []
        for partition, log in enumerate(self.logs):
            begin = self.first(partition)
            found = records_in(log.read(begin, ROOM, below=log.synced_offset), begin)[: GIVEN - len(given)]
            if found:
                self.deleted.commit("", {("", partition): (found[-1][0] + 1, "")})
                given += [(partition, *one) for one in found]
        if given:  # unclaimed: how long members wait is not measured
            await self.desk.synced()  # unclaimed: as above
        return 0, given

    async def read(self, partition: int, offset: int) -> list[tuple[int, bytes]]:
        log, offset = self.logs[partition], max(offset, self.first(partition))
        return records_in(log.read(offset, ROOM), offset)  # unclaimed: by then all is handed out, and deleted
