"""Replicas: what a producer was told with acks=all stays, whoever dies, as long as who leads was in sync."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings, strategies as st

from helpers.torn_disk import TornDisk
from windtunnel.blocks.broker import (
    BatchLog,
    NotEnoughReplicas,
    NotLeading,
    OutOfOrderSequence,
    PartitionReplica,
    batches_in,
    encode_batch,
    records_of,
)


class Cluster:
    """Three replicas, a controller that never dies, and a clock; everything happens when it is told to."""

    def __init__(self, min_in_sync: int, clean: bool) -> None:
        self.min_in_sync, self.clean = min_in_sync, clean
        self.disks = {me: TornDisk() for me in range(3)}
        self.live = {me: self.replica(me) for me in range(3)}
        self.epoch, self.in_sync, self.leader, self.now_ms = 0, {0, 1, 2}, -1, 0.0
        self.sent = 0
        self.waiting: dict[str, tuple[int, int, int]] = {}
        """By value: at which leader, in which epoch, and how far the high watermark has to be."""
        self.acked: list[str] = []
        self.seen: dict[int, str] = {}
        """By offset: what a consumer has read."""
        self.elect()

    def replica(self, me: int) -> PartitionReplica:
        log = BatchLog(self.disks[me], "p", segment_bytes=400)
        return PartitionReplica(log, me, range(3), min_in_sync=self.min_in_sync, max_lag_ms=50)

    def elect(self) -> None:
        able = [me for me in self.live if me in self.in_sync or not self.clean]
        if self.leader in self.live and self.live[self.leader].leads:
            return
        self.leader = min(able, default=-1)
        if self.leader < 0:
            return
        self.epoch += 1
        self.in_sync = self.in_sync & set(self.live) if self.leader in self.in_sync else {self.leader}
        for me, one in self.live.items():
            if me == self.leader:
                one.lead(self.epoch, self.in_sync, self.now_ms)
            else:
                one.follow(self.epoch, self.leader)

    def produce(self) -> None:
        if self.leader not in self.live:
            return
        self.sent += 1
        value = f"v{self.sent}"
        try:
            place = self.live[self.leader].append(encode_batch([(None, value.encode())], 0))
        except NotEnoughReplicas:
            return
        self.waiting[value] = self.leader, self.epoch, place.next_offset

    def fetch(self, me: int) -> None:
        one = self.live.get(me)
        leader = self.live.get(one.leader if one is not None and one.leader is not None else -1)
        if one is None or leader is None or one.leads:
            return
        try:
            epoch, offset, last = one.question()
            one.take(leader.answer(me, epoch, offset, last, self.now_ms))
        except NotLeading:
            return

    def isr(self) -> None:
        one = self.live.get(self.leader)
        if one is not None and one.leads and (wanted := one.propose(self.now_ms)) is not None:
            self.in_sync = set(wanted)
            one.in_sync_is(wanted)

    def crash(self, me: int, luck: Random | None) -> None:
        """Of a process, or of the machine."""
        if self.live.pop(me, None) is not None and luck is not None:
            self.disks[me] = self.disks[me].restarted(luck)

    def restart(self, me: int) -> None:
        if me not in self.live:
            one = self.live[me] = self.replica(me)
            if self.leader in self.live and self.leader != me:
                one.follow(self.epoch, self.leader)
        self.elect()

    def look(self) -> None:
        """Producers hear, and a consumer reads."""
        for value, (leader, epoch, offset) in list(self.waiting.items()):
            one = self.live.get(leader)
            if one is None or one.epoch != epoch or not one.leads:
                del self.waiting[value]
            elif one.high_watermark >= offset:
                self.acked.append(value)
                del self.waiting[value]
        one = self.live.get(self.leader)
        if one is not None and one.leads:
            for offset, value in values(one, one.high_watermark):
                assert self.seen.setdefault(offset, value) == value, "a consumer read what is no longer there"

    def heal(self) -> list[str]:
        for me in range(3):
            self.restart(me)
        for _ in range(40):
            self.now_ms += 10
            for me in range(3):
                self.fetch(me)
            self.isr()
        self.look()
        logs = [values(one, one.log.next_offset) for one in self.live.values()]
        assert logs[0] == logs[1] == logs[2]
        return [value for _, value in logs[0]]


def values(one: PartitionReplica, below: int) -> list[tuple[int, str]]:
    found, offset = [], one.log.start_offset
    while offset < below and (data := one.log.read(offset, below=below)):
        for header, at in batches_in(data):
            found += [(record.offset, (record.value or b"").decode()) for record in records_of(data, at)]
            offset = header.next_offset
    return found


STEPS = st.lists(
    st.tuples(st.sampled_from(["produce", "fetch", "isr", "wait", "kill", "power", "restart"]), st.integers(0, 2)),
    max_size=60,
)


def played(cluster: Cluster, steps: list[tuple[str, int]], seed: int, power: bool) -> list[str]:
    luck = Random(seed)
    for what, me in steps:
        if what == "produce":
            cluster.produce()
        elif what == "fetch":
            cluster.fetch(me)
        elif what == "isr":
            cluster.isr()
        elif what == "wait":
            cluster.now_ms += 20
        elif what == "restart":
            cluster.restart(me)
        elif len(cluster.live) > 1:  # one at least lives on
            cluster.crash(me, luck if power and what == "power" else None)
            cluster.elect()
        cluster.look()
    return cluster.heal()


@given(steps=STEPS, seed=st.integers(0, 10**6))
def test_nothing_that_was_told_is_lost_while_processes_die_and_leaders_were_in_sync(
    steps: list[tuple[str, int]], seed: int
) -> None:
    cluster = Cluster(min_in_sync=2, clean=True)
    left = played(cluster, steps, seed, power=False)
    assert set(cluster.acked) <= set(left)
    assert len(left) == len(set(left))
    assert [int(v[1:]) for v in left] == sorted(int(v[1:]) for v in left)
    assert [value for _, value in sorted(cluster.seen.items())] == left[: len(cluster.seen)]


def test_a_leader_that_was_not_in_sync_loses_what_was_told() -> None:
    """So the property above can fail."""
    cluster = Cluster(min_in_sync=1, clean=False)
    cluster.in_sync = {0}
    cluster.live[0].in_sync_is({0})
    cluster.produce()
    cluster.look()
    assert cluster.acked == ["v1"]
    cluster.crash(0, None)
    cluster.elect()
    assert cluster.heal() == []


def test_with_too_few_in_sync_nothing_is_written() -> None:
    cluster = Cluster(min_in_sync=2, clean=True)
    cluster.crash(1, None)
    cluster.crash(2, None)
    cluster.now_ms += 100
    cluster.isr()
    assert cluster.in_sync == {0}
    with pytest.raises(NotEnoughReplicas):
        cluster.live[0].append(encode_batch([(None, b"x")], 0))
    assert cluster.live[0].append(encode_batch([(None, b"x")], 0), acks=1).base_offset == 0


def test_what_was_written_before_they_became_too_few_is_not_told() -> None:
    cluster = Cluster(min_in_sync=2, clean=True)
    cluster.produce()
    for me in (1, 2):
        cluster.crash(me, None)
    cluster.now_ms += 100
    cluster.isr()
    cluster.look()
    assert (cluster.in_sync, cluster.live[0].high_watermark, cluster.acked) == ({0}, 0, [])
    assert cluster.heal() == ["v1"]
    assert cluster.acked == ["v1"]


def test_a_record_is_shown_when_all_in_sync_have_it_and_not_before() -> None:
    cluster = Cluster(min_in_sync=2, clean=True)
    cluster.produce()
    leader = cluster.live[0]
    assert leader.visible(0) == b""
    for me in (1, 2):
        cluster.fetch(me)  # it has it now
        assert leader.visible(0) == b""
    for me in (1, 2):
        cluster.fetch(me)  # and now its leader knows
    assert leader.high_watermark == 1
    assert leader.visible(0)


def test_a_zombie_leader_gets_no_answer_and_cuts_what_only_it_has() -> None:
    cluster = Cluster(min_in_sync=2, clean=True)
    zombie = cluster.live[0]
    zombie.append(encode_batch([(None, b"only here")], 0), acks=1)
    cluster.live.pop(0)
    cluster.elect()
    assert cluster.leader == 1
    with pytest.raises(NotLeading):
        zombie.answer(2, cluster.epoch, 0, -1, 0.0)
    with pytest.raises(ValueError, match="is over"):
        cluster.live[1].follow(0, 0)
    cluster.produce()
    cluster.live[0] = zombie
    zombie.follow(cluster.epoch, 1)
    assert cluster.heal() == ["v1"]


def test_who_is_asked_for_is_waited_for_until_the_controller_has_said() -> None:
    """KIP-497: it may have agreed already, and the next leader may be the one that comes in."""
    cluster = Cluster(min_in_sync=1, clean=True)
    cluster.in_sync = {0}
    leader = cluster.live[0]
    leader.in_sync_is({0})
    for me in (1, 2):
        cluster.fetch(me)
    assert leader.propose(0.0) == {0, 1, 2}
    cluster.produce()
    assert leader.high_watermark == 0
    leader.in_sync_is({0, 1})
    cluster.fetch(1)
    cluster.fetch(1)
    assert leader.high_watermark == 1


def test_who_was_taken_out_is_not_asked_for_before_it_has_asked_again() -> None:
    """KIP-903: it started anew with an empty disk, sooner than its leader missed it."""
    cluster = Cluster(min_in_sync=2, clean=True)
    cluster.produce()
    for _ in range(2):
        for me in (1, 2):
            cluster.fetch(me)
    leader = cluster.live[0]
    assert leader.high_watermark == 1
    cluster.disks[2] = TornDisk()
    cluster.live[2] = cluster.replica(2)
    cluster.live[2].follow(cluster.epoch, 0)
    leader.in_sync_is({0, 1})  # the controller has heard of the new life
    assert leader.propose(0.0) is None
    cluster.fetch(2)  # it says that it has nothing, and is given all
    assert leader.propose(0.0) is None
    cluster.fetch(2)
    assert leader.propose(0.0) == {0, 1, 2}


def test_a_new_leader_knows_no_end_before_the_others_have_said_how_far_they_are() -> None:
    """KIP-207: who reads would be told of an end at 0."""
    cluster = Cluster(min_in_sync=2, clean=True)
    cluster.produce()
    for _ in range(2):
        for me in (1, 2):
            cluster.fetch(me)
    for me in range(3):
        cluster.crash(me, None)
    for me in (1, 2):
        cluster.live[me] = cluster.replica(me)
    cluster.elect()
    assert cluster.leader == 1
    leader = cluster.live[1]
    assert (leader.high_watermark, leader.knows_end) == (0, False)
    cluster.fetch(2)
    assert (leader.high_watermark, leader.knows_end) == (1, True)


def test_a_producer_that_sends_again_to_the_next_leader_is_known_there() -> None:
    cluster = Cluster(min_in_sync=2, clean=True)
    told = encode_batch([(None, b"once")], 0, producer_id=4, producer_epoch=0, base_sequence=0)
    cluster.live[0].append(told)
    cluster.fetch(1)
    cluster.crash(0, None)
    cluster.elect()
    assert cluster.live[1].append(told).again
    with pytest.raises(OutOfOrderSequence):
        cluster.live[1].append(encode_batch([(None, b"x")], 0, producer_id=4, producer_epoch=0, base_sequence=5))


@pytest.mark.soak
@settings(max_examples=500)
@given(steps=STEPS, seed=st.integers(0, 10**6))
def test_nothing_is_lost_also_in_many_more(steps: list[tuple[str, int]], seed: int) -> None:
    cluster = Cluster(min_in_sync=2, clean=True)
    assert set(cluster.acked) <= set(played(cluster, steps, seed, power=False))
