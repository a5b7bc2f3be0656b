"""One replica of a partition: leader or follower, the in-sync set, the high watermark, leader epochs.

The rules are Kafka's: a follower asks its leader for what follows on its own log, and thereby says how far it is; the
high watermark is as far as all in the in-sync set are; only below it is a record shown, and with `acks=all` only then
is its producer told. Who leads and who is in sync is decided elsewhere (a controller), each time under a new epoch or
version; replicas only propose. A follower whose log parts from its leader's learns so with its first question, and
cuts (KIP-101, KIP-279; on fetch as in KIP-595). Sources: J. Kreps et al., *Kafka* (NetDB 2011); Kafka's design page,
*Replication*; KIP-497 and KIP-903 for changes of the in-sync set.

Times are milliseconds of any clock that does not go back. Nothing here sends or waits: who has it does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from windtunnel.blocks.broker.batch_log import BatchLog, BatchPlace
from windtunnel.blocks.broker.record_batch import header_at
from windtunnel.blocks.ground.block import Live
from windtunnel.blocks.ground.errors import Refused

ALL, LEADER, NOBODY = -1, 1, 0
"""Whom a producer waits for: `acks`."""


class NotLeading(Refused):
    """Another replica leads, or this one does not lead in the epoch that was asked for."""


class NotEnoughReplicas(Refused):
    """Fewer are in sync than `acks=all` asks for; nothing was written."""


class ReplicaAnswer(NamedTuple):
    """What a leader answers to a follower.

    Args:
        diverges: None; or the leader's epoch and its end offset where the logs part: cut there, then ask again.
    """

    batches: bytes
    high_watermark: int
    diverges: tuple[int, int] | None = None


@dataclass
class Progress:
    """What a leader knows of another replica."""

    next_offset: int = -1
    asked_ms: float = float("-inf")
    end_then: int = 0
    """The leader's own end when it was asked last."""
    caught_up_ms: float = float("-inf")


class PartitionReplica(Live):
    """What one broker knows of one partition. One thread or task at a time; tied to its log.

    Args:
        log: its own.
        me: its broker.
        replicas: of all that have the partition.
        min_in_sync: with fewer in sync, `acks=all` is refused, and the high watermark stands still (KIP-966): what was
            written before they became fewer is neither told nor shown.
        max_lag_ms: who has not caught up for so long is proposed to be out (`replica.lag.time.max.ms`).
    """

    _tie = "the log that it writes"

    def __init__(
        self, log: BatchLog, me: int, replicas: Iterable[int], *, min_in_sync: int = 1, max_lag_ms: float = 30_000
    ) -> None:
        self.log, self.me, self.replicas = log, me, frozenset(replicas)
        if me not in self.replicas:
            raise ValueError(f"Broker {me} is none of the replicas {sorted(self.replicas)}.")
        self.min_in_sync, self.max_lag_ms = min_in_sync, max_lag_ms
        self.epoch = -1
        self.leader: int | None = None
        self.in_sync: frozenset[int] = frozenset()
        self._asked_for: frozenset[int] = frozenset()
        self.high_watermark = log.start_offset
        self._began_at = 0
        self._others: dict[int, Progress] = {}

    def _told(self) -> dict[str, object]:
        return {"me": self.me, "leader": self.leader, "epoch": self.epoch, "high_watermark": self.high_watermark}

    @property
    def leads(self) -> bool:
        """Whether it thinks that it leads; another may do so in a later epoch."""
        return self.leader == self.me

    @property
    def knows_end(self) -> bool:
        """As a leader: the high watermark has come to where it began; before that it can tell of no end (KIP-207)."""
        return self.high_watermark >= self._began_at

    # What a controller decides.

    def lead(self, epoch: int, in_sync: Iterable[int], now_ms: float) -> None:
        """Lead from now on. Raises `ValueError` for an epoch that is over."""
        self._enter(epoch, self.me)
        self.in_sync = frozenset(in_sync) | {self.me}
        self._asked_for = frozenset()
        self._began_at = self.log.next_offset
        self._others = {one: Progress(caught_up_ms=now_ms) for one in self.replicas - {self.me}}
        self._advance()

    def follow(self, epoch: int, leader: int) -> None:
        """Follow from now on. Raises `ValueError` for an epoch that is over."""
        self._enter(epoch, leader)
        self._others = {}

    def _enter(self, epoch: int, leader: int) -> None:
        if epoch < self.epoch:
            raise ValueError(f"Epoch {epoch} is over; this replica is in {self.epoch}.")
        self.epoch, self.leader = epoch, leader

    def in_sync_is(self, in_sync: Iterable[int]) -> None:
        """The controller has agreed to this in-sync set, or made it without being asked; told in its order.

        Who is out of it counts as behind until it has asked again: it may have started anew, and have less than it had
        (KIP-903). A question of its earlier life has to be dropped on the way.
        """
        if self.leads:
            for out in self.in_sync - frozenset(in_sync) - {self.me}:
                self._others[out] = Progress()
            self.in_sync = frozenset(in_sync) | {self.me}
            self._asked_for = frozenset()
            self._advance()

    # As a leader.

    def append(self, batch: bytes, acks: int = ALL) -> BatchPlace:
        """Write one batch. With `acks=all` its producer is told when the high watermark has passed it.

        Raises `NotLeading`, `NotEnoughReplicas`, and what `BatchLog.append` does.
        """
        if not self.leads:
            raise NotLeading(f"Broker {self.leader} leads, not {self.me}.")
        if acks == ALL and len(self.in_sync) < self.min_in_sync:
            raise NotEnoughReplicas(f"{len(self.in_sync)} in sync, and {self.min_in_sync} are asked for.")
        found = self.log.append(batch, self.epoch)
        self._advance()
        return found

    def answer(
        self, replica: int, epoch: int, offset: int, last_epoch: int, now_ms: float, max_bytes: int = 1 << 20
    ) -> ReplicaAnswer:
        """To a follower that has everything below `offset`, the last of it of `last_epoch`.

        Raises `NotLeading` unless this leads in the follower's epoch.
        """
        if not self.leads or epoch != self.epoch:
            raise NotLeading(f"Broker {self.me} does not lead in epoch {epoch}.")
        mine, end = self.log.end_of_epoch(last_epoch)
        if offset and (mine != last_epoch or end < offset):
            return ReplicaAnswer(b"", self.high_watermark, (mine, end))
        self._heard(replica, offset, now_ms)
        return ReplicaAnswer(self.log.read(max(offset, self.log.start_offset), max_bytes), self.high_watermark)

    def _heard(self, replica: int, offset: int, now_ms: float) -> None:
        one = self._others[replica]
        one.next_offset = offset
        if offset >= self.log.next_offset:
            one.caught_up_ms = now_ms
        elif offset >= one.end_then:  # it has what there was when it asked before
            one.caught_up_ms = max(one.caught_up_ms, one.asked_ms)
        one.asked_ms, one.end_then = now_ms, self.log.next_offset
        self._advance()

    def propose(self, now_ms: float) -> frozenset[int] | None:
        """Who should be in sync as of now, to be asked of the controller; `None` where that is who is.

        In comes who has reached the high watermark and the beginning of this epoch; out goes who has not caught up for
        `max_lag_ms`. Until `in_sync_is` says what came of it, the high watermark waits for those of both sets: the
        controller may have agreed already, and choose the next leader among them (KIP-497).
        """
        found = {self.me}
        for number, one in self._others.items():
            fresh = now_ms - one.caught_up_ms <= self.max_lag_ms
            reached = one.next_offset >= max(self.high_watermark, self._began_at)
            if fresh and (number in self.in_sync or reached):
                found.add(number)
        self._asked_for = frozenset(found) | self._asked_for
        return frozenset(found) if found != self.in_sync else None

    def _advance(self) -> None:
        if len(self.in_sync) < self.min_in_sync or self.high_watermark >= self.log.next_offset:
            return
        ends = [self._others[one].next_offset for one in (self.in_sync | self._asked_for) - {self.me}]
        self.high_watermark = max(self.high_watermark, min([self.log.next_offset, *ends]))

    # As a follower.

    def question(self) -> tuple[int, int, int]:
        """Epoch, offset and last epoch to ask the leader with."""
        return self.epoch, self.log.next_offset, self.log.latest_epoch

    def take(self, answer: ReplicaAnswer) -> int:
        """Do what the leader's answer says; bytes that were written."""
        if answer.diverges is not None:
            epoch, end = answer.diverges
            _, mine = self.log.end_of_epoch(epoch)
            self.log.truncate(min(end, mine))
            self.high_watermark = min(self.high_watermark, self.log.next_offset)
            return 0
        if answer.batches and header_at(answer.batches).base_offset < self.log.next_offset:
            return 0  # it has come in another way meanwhile
        written = self.log.append_copies(answer.batches)
        self.high_watermark = max(self.high_watermark, min(answer.high_watermark, self.log.next_offset))
        return written

    # For consumers.

    def visible(self, offset: int, max_bytes: int = 1 << 20) -> bytes:
        """Batches below the high watermark. Raises `OffsetGone` as `BatchLog.read` does."""
        return self.log.read(offset, max_bytes, below=self.high_watermark)
