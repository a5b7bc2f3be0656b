"""Groups: a partition has one owner in a generation, and who is of an older one is refused."""

from __future__ import annotations

import json

from hypothesis import given, strategies as st

from windtunnel.blocks.broker import ConsumerGroup, Joined, Synced
from windtunnel.blocks.broker.group import ILLEGAL_GENERATION, INCONSISTENT_PROTOCOL, NONE, REBALANCING, UNKNOWN_MEMBER

PARTITIONS = range(3)
SESSION_MS, REBALANCE_MS = 100.0, 300.0


class Consumer:
    """A client of the protocol, as small as it can be."""

    def __init__(self, group: ConsumerGroup, name: str) -> None:
        self.group, self.name = group, name
        self.member, self.generation = "", -1
        self.joined: list[Joined] = []
        self.synced: list[Synced] = []
        self.owns: dict[int, list[int]] = {}
        """By generation: the partitions that it was told are its own."""

    def join(self, now_ms: float, protocol: str = "range") -> None:
        self.group.join(self.member, self.name, SESSION_MS, REBALANCE_MS, [(protocol, b"")], now_ms, self.joined.append)

    def go_on(self, now_ms: float) -> None:
        """Do what comes next."""
        while self.joined:
            told = self.joined.pop()
            if told.error:
                self.member = ""
                continue
            self.member, self.generation = told.member, told.generation
            shares = {
                name: json.dumps([p for p in PARTITIONS if p % len(told.members) == i]).encode()
                for i, (name, _) in enumerate(told.members)
            }
            self.group.sync(self.member, self.generation, shares, now_ms, self.synced.append)
        while self.synced:
            found = self.synced.pop()
            if not found.error:
                self.owns[self.generation] = json.loads(found.assignment or b"[]")

    def commit(self, now_ms: float) -> int:
        return self.group.may_commit(self.member, self.generation, now_ms)


def together(*consumers: Consumer, now_ms: float = 0.0) -> None:
    for one in consumers:
        one.join(now_ms)
    for _ in range(3):
        for one in consumers:
            one.go_on(now_ms)


STEPS = st.lists(
    st.tuples(st.sampled_from(["join", "go on", "heartbeat", "leave", "commit", "wait", "broker"]), st.integers(0, 3)),
    max_size=80,
)


@given(steps=STEPS)
def test_no_partition_has_two_owners_in_one_generation_whatever_members_do(steps: list[tuple[str, int]]) -> None:
    now_ms, stored = 0.0, [0]
    group = ConsumerGroup("g", begins=lambda number: stored.append(number))
    consumers = [Consumer(group, f"c{i}") for i in range(4)]
    for what, i in steps:
        one = consumers[i]
        if what == "join":
            one.join(now_ms)
        elif what == "go on":
            one.go_on(now_ms)
        elif what == "heartbeat":
            group.heartbeat(one.member, one.generation, now_ms)
        elif what == "leave":
            group.leave(one.member, now_ms)
        elif what == "commit":
            if one.commit(now_ms) == NONE and one.member:
                assert one.generation == group.generation, "a zombie's commit counts"
        elif what == "wait":
            now_ms += 40 * (i + 1)
            group.tick(now_ms)
        else:  # the broker dies and comes again, and knows the generations that there were
            group = ConsumerGroup("g", generation=stored[-1], begins=lambda number: stored.append(number))
            for other in consumers:
                other.group = group
                other.joined.clear()
                other.synced.clear()
    assert stored == sorted(set(stored)), "a generation begins once"
    for generation in stored:
        owned = [p for one in consumers for p in one.owns.get(generation, [])]
        assert len(owned) == len(set(owned)), f"two own one partition in generation {generation}"


def test_a_rebalance_waits_for_all_members_and_then_each_partition_has_one_owner() -> None:
    group = ConsumerGroup("g")
    one, two = Consumer(group, "one"), Consumer(group, "two")
    together(one)
    assert one.owns[1] == [0, 1, 2]
    two.join(0.0)
    assert not two.joined, "it would own what the first still owns"
    assert group.heartbeat(one.member, one.generation, 0.0) == REBALANCING
    one.join(0.0)
    for _ in range(2):
        one.go_on(0.0)
        two.go_on(0.0)
    assert sorted(one.owns[2] + two.owns[2]) == [0, 1, 2]


def test_a_consumer_that_stands_still_past_its_session_is_fenced() -> None:
    group = ConsumerGroup("g", first_delay_ms=1)
    one, two = Consumer(group, "one"), Consumer(group, "two")
    one.join(-1.0)
    two.join(-1.0)
    group.tick(0.0)
    for _ in range(2):
        one.go_on(0.0)
        two.go_on(0.0)
    assert group.heartbeat(two.member, two.generation, SESSION_MS / 2) == NONE
    group.tick(SESSION_MS)
    assert group.state == "joining"
    two.join(SESSION_MS)
    two.go_on(SESSION_MS)
    two.go_on(SESSION_MS)
    assert two.owns[two.generation] == [0, 1, 2]
    assert one.commit(SESSION_MS) == UNKNOWN_MEMBER
    assert group.heartbeat(one.member, one.generation, SESSION_MS) == UNKNOWN_MEMBER
    assert two.commit(SESSION_MS) == NONE


def test_a_commit_of_an_older_generation_is_refused_and_one_between_two_too() -> None:
    group = ConsumerGroup("g")
    one, two = Consumer(group, "one"), Consumer(group, "two")
    together(one)
    two.join(0.0)
    assert one.commit(0.0) == NONE, "it may still say how far it came"
    old = one.generation
    one.join(0.0)
    assert group.may_commit(one.member, old + 1, 0.0) == REBALANCING
    assert group.may_commit(one.member, old, 0.0) == ILLEGAL_GENERATION


def test_who_does_not_join_again_in_time_is_left_out() -> None:
    group = ConsumerGroup("g")
    one, two = Consumer(group, "one"), Consumer(group, "two")
    together(one)
    two.join(0.0)
    for now_ms in (90.0, 180.0, 270.0):
        group.heartbeat(one.member, one.generation, now_ms)
        group.tick(now_ms)
    assert group.next_ms == REBALANCE_MS
    group.tick(REBALANCE_MS)
    two.go_on(REBALANCE_MS)
    two.go_on(REBALANCE_MS)
    assert list(group.members) == [two.member]


def test_a_first_rebalance_can_wait_for_others() -> None:
    group = ConsumerGroup("g", first_delay_ms=50)
    one, two = Consumer(group, "one"), Consumer(group, "two")
    one.join(0.0)
    two.join(10.0)
    assert not one.joined
    assert group.next_ms == 50
    group.tick(50.0)
    for _ in range(2):
        one.go_on(50.0)
        two.go_on(50.0)
    assert sorted(one.owns[1] + two.owns[1]) == [0, 1, 2]


def test_members_that_have_no_protocol_in_common_do_not_meet() -> None:
    group = ConsumerGroup("g")
    together(Consumer(group, "one"))
    two = Consumer(group, "two")
    two.join(0.0, "another")
    assert two.joined[0].error == INCONSISTENT_PROTOCOL


def test_who_has_not_heard_its_answer_asks_again_and_gets_the_same() -> None:
    group = ConsumerGroup("g")
    one = Consumer(group, "one")
    one.join(0.0)
    first = one.joined.pop()
    one.member = first.member
    one.join(0.0)
    assert one.joined == [first]
    one.go_on(0.0)
    one.owns.clear()
    group.sync(one.member, one.generation, {}, 0.0, one.synced.append)
    one.go_on(0.0)
    assert one.owns[1] == [0, 1, 2]


def test_an_empty_group_takes_offsets_of_who_is_no_member() -> None:
    group = ConsumerGroup("g")
    assert group.may_commit("", -1, 0.0) == NONE
    one = Consumer(group, "one")
    together(one)
    assert group.may_commit("", -1, 0.0) == UNKNOWN_MEMBER
    assert group.leave(one.member, 0.0) == NONE
    assert group.state == "empty"
    assert group.leave(one.member, 0.0) == UNKNOWN_MEMBER
