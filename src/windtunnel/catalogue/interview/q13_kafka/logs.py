"""Four designs that keep a log: of one server, and of three with each of Kafka's three words for when to say yes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from windtunnel.blocks.broker import (
    BatchLog,
    ConsumerGroup,
    Joined,
    NotLeading,
    PartitionReplica,
    ReplicaAnswer,
    Synced,
    batches_in,
    encode_batch,
    records_of,
)
from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.interview.q13_kafka.designs import GIVEN, ROOM, Design, records_in
from windtunnel.catalogue.interview.q13_kafka.machines import ASK_S, PARTITIONS, SERVERS, Desk, Given, Verdict

ALL, LEADER, NOBODY = -1, 1, 0
OFFSETS = PARTITIONS
"""The partition in which groups note how far they are."""
SESSION_MS, REBALANCE_MS = 60.0, 150.0
"""Of a member: after so long without a word it is out; for so long others are waited for."""
LAG_MS = 150.0
"""A server that has not caught up for so long is proposed to be out of sync."""
LIVES = 1000  # unclaimed: any number that no leader lives through
"""Generations that a group may have under one leader: numbers of two leaders never meet."""
WAIT_S = 0.02
"""So long one waits for news at a time."""


class Fenced(Refused):
    """A member is of a generation that is over: what it says does not count, and it has to begin anew."""


class Logged(Design):
    """Partitions that stay, read by offset, and a group that notes how far it is in a partition of its own."""

    acks = LEADER
    flushes = False
    """Whether it syncs whatever it was told."""

    def boot(self, desk: Desk) -> None:
        super().boot(desk)
        servers = {desk.me} if self.alone else set(SERVERS)
        self.parts = [
            PartitionReplica(
                BatchLog(desk.files, f"part-{i}"),
                desk.me,
                servers,
                min_in_sync=1 if self.alone else desk.min_in_sync,
                max_lag_ms=LAG_MS,
            )
            for i in range(PARTITIONS + 1)  # unclaimed: more would be empty
        ]
        self.news = desk.signal()
        self.group: ConsumerGroup | None = None
        self.names: dict[str, str] = {}
        self.offsets: dict[int, int] = {}
        self.offsets_to = 0
        """What is noted by partition, and up to which offset that was read."""

    @property
    def syncs(self) -> bool:
        """Whether a batch is on the disk before anybody hears of it."""
        return self.flushes or self.desk.flush == "each"

    def tell(self) -> None:
        """Something is new: whoever waits looks again."""
        told, self.news = self.news, self.desk.signal()
        told.set()

    async def look_again(self) -> None:
        """Wait for news, not for ever."""
        await self.news.within(WAIT_S)

    # --- who leads ---------------------------------------------------------------------------------------------------
    def hear(self, verdict: Verdict) -> None:
        before = self.stand
        for part in self.parts:
            if verdict.epoch > part.epoch:
                if verdict.leader == part.me:
                    part.lead(verdict.epoch, verdict.in_sync if not self.alone else (), self.desk.now_ms)
                else:
                    part.follow(verdict.epoch, verdict.leader)
                self.group, self.offsets, self.offsets_to = None, {}, 0  # unclaimed: few lead twice in one life here
            elif verdict.epoch == part.epoch and verdict.leader == part.me and not self.alone:
                part.in_sync_is(verdict.in_sync)
        if self.stand != before:
            self.tell()

    @property
    def stand(self) -> list[tuple[int, int]]:
        """Of each partition the epoch, and how far it may be told: what somebody may be waiting for."""
        return [(part.epoch, part.high_watermark) for part in self.parts]

    def leads(self) -> None:
        """Raises NotLeading where another one does."""
        if not self.parts[0].leads:
            raise NotLeading

    def proposed(self) -> frozenset[int] | None:
        if self.alone or not self.parts[0].leads:
            return None
        wanted = [part.propose(self.desk.now_ms) or part.in_sync for part in self.parts]
        both = frozenset.intersection(*wanted)
        return None if both == self.parts[0].in_sync else both

    # --- producers ---------------------------------------------------------------------------------------------------
    async def append(self, partition: int, batch: bytes) -> None:
        await self.write(partition, batch)

    async def write(self, partition: int, batch: bytes) -> None:
        """Write a batch and return when it may be told. Raises NotLeading, or what `PartitionReplica.append` does."""
        part = self.parts[partition]
        place, epoch = part.append(batch, self.acks), part.epoch
        self.tell()
        await self.sync(part)
        while self.acks == ALL and part.high_watermark < place.next_offset:
            if not part.leads or part.epoch != epoch:
                raise NotLeading
            await self.look_again()

    async def sync(self, part: PartitionReplica) -> None:
        """Have on the disk what was written, if it syncs."""
        if self.syncs and part.log.synced_offset < part.log.next_offset:
            await self.desk.synced()
            part.log.sync()

    # --- replicas ----------------------------------------------------------------------------------------------------
    async def run(self) -> None:
        while True:
            leader = self.parts[0].leader
            if self.alone or leader is None or leader < 0 or leader == self.desk.me:
                if self.group is not None:
                    self.group.tick(self.desk.now_ms)
                await self.desk.sleep(10)  # unclaimed: how often a leader looks whose session is over
                continue
            try:
                answers = await self.desk.ask(leader, [self.desk.me, *(part.question() for part in self.parts)])
            except ConnectionError:
                await self.desk.sleep(5)  # unclaimed: how soon a follower asks again whom it did not hear
                continue
            for part, answer in zip(self.parts, answers, strict=True):
                if part.leader == leader:
                    part.take(answer)
                    await self.sync(part)

    async def answer(self, asked: Any) -> list[ReplicaAnswer]:
        server, *questions = asked
        told = self.answers(server, questions)
        if not any(one.batches or one.diverges for one in told):  # unclaimed: questions of followers are not counted
            await self.news.within(ASK_S / 2)  # unclaimed: as above
            told = self.answers(server, questions)  # unclaimed: what is not told now is told to the next question
        return told

    def answers(self, server: int, questions: Sequence[tuple[int, int, int]]) -> list[ReplicaAnswer]:
        """To the questions of one server, by partition."""
        before, now_ms = self.stand, self.desk.now_ms
        told = [part.answer(server, *one, now_ms) for part, one in zip(self.parts, questions, strict=True)]
        if self.stand != before:
            self.tell()
        return told

    # --- consumers ---------------------------------------------------------------------------------------------------
    async def read(self, partition: int, offset: int) -> list[tuple[int, bytes]]:
        self.leads()  # unclaimed: readers here ask who leads, and come when all is over
        if not self.parts[partition].knows_end:  # unclaimed: for the same reason; a reader that comes at once needs it
            raise NotLeading  # unclaimed: as above
        return self.shown(partition, offset)

    def shown(self, partition: int, offset: int) -> list[tuple[int, bytes]]:
        """What may be shown, from this offset on."""
        part = self.parts[partition]
        return records_in(part.visible(min(offset, part.high_watermark), ROOM), offset)

    async def poll(self, member: str, generation: int, handled: dict[int, int]) -> tuple[int, Given]:
        self.leads()  # unclaimed: asked once more below, before anything is handed out
        group = self.members()
        if generation >= 0:
            if group.may_commit(self.names.get(member, ""), generation, self.desk.now_ms) not in (0, 27):
                raise Fenced
            await self.note(handled)
        share = await self.share_of(group, member)
        self.leads()  # unclaimed: what was shown may be handed out; its word of it is refused later
        given: Given = []
        for partition in share:
            begin = self.noted().get(partition, 0)
            found = self.shown(partition, begin)
            given += [(partition, *one) for one in found[: GIVEN - len(given)]]
        return group.generation, given

    def members(self) -> ConsumerGroup:
        """The group, of which a new leader knows only how far it is."""
        if self.group is None:
            self.names = {}
            self.group = ConsumerGroup("readers", generation=LIVES * self.parts[0].epoch)
        return self.group

    async def share_of(self, group: ConsumerGroup, member: str) -> list[int]:
        """The partitions that this member has in the current generation, once all have joined."""
        name = self.names.get(member, "")
        if name not in group.members or group.state != "stable":
            joined = self.desk.signal()
            name = name if name in group.members else ""  # unclaimed: who is refused leaves its share to others
            group.join(name, member, SESSION_MS, REBALANCE_MS, [("mine", b"")], self.desk.now_ms, joined.set)
            self.names[member] = name or list(group.members)[-1]
            if not await joined.within(ASK_S):
                raise Fenced
            told: Joined = joined.result()
            name, count = told.member, len(told.members)
            shares = {one: bytes(range(i, PARTITIONS, count)) for i, (one, _) in enumerate(told.members)}
            synced = self.desk.signal()
            group.sync(name, told.generation, shares, self.desk.now_ms, synced.set)
            if not await synced.within(ASK_S):
                raise Fenced
            found: Synced = synced.result()
            if found.error:
                raise Fenced
        return list(group.members[name].assignment)

    async def note(self, handled: dict[int, int]) -> None:
        """How far the group is, in a partition like the others."""
        news = [(b"%d" % partition, b"%d" % offset) for partition, offset in handled.items()]
        if news:
            await self.write(OFFSETS, encode_batch(news, 0))

    def noted(self) -> dict[int, int]:
        """What is noted, of which only the new has to be read; who leads anew reads all."""
        log = self.parts[OFFSETS].log
        while data := log.read(self.offsets_to, ROOM):
            for header, at in batches_in(data):
                self.offsets |= {int(one.key or b""): int(one.value or b"") for one in records_of(data, at)}
                self.offsets_to = header.next_offset
        return self.offsets


class OneLog(Logged):
    """A log on one server's disk, synced before it says yes; readers have offsets, and nothing is deleted."""

    flushes = True


class AcksNobody(Logged):
    """Three servers have the log; a producer sends and waits for nobody (acks=0)."""

    acks = NOBODY
    alone = False


class AcksLeader(Logged):
    """Three servers have the log; a producer waits for the one that leads (acks=1)."""

    alone = False


class AcksAll(Logged):
    """The same; it waits for all that are in sync, two at least, and numbers its batches (acks=all, idempotent)."""

    acks = ALL
    idempotent = True
    alone = False
