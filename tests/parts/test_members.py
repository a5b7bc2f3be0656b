"""Members of a group: one order of commands on all of them, whoever crashes, and nothing told before a disk has it."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from helpers.letters import Tunnel, add
from windtunnel.blocks.consensus import (
    Appended,
    AppendEntries,
    Invariants,
    Kept,
    LogEntry,
    Raft,
    RaftMessage,
    Vote,
)
from windtunnel.parts import Journal, Member, Peer
from windtunnel.parts.members import RAFT_PORT
from windtunnel.sim import Simulator

NAMES = ["a", "b", "c"]


def raft(name: str, luck: Random, kept: Kept, now_s: float) -> Raft:
    return Raft(name, NAMES, luck, kept=kept, now_s=now_s)


def set_up(seed: int = 0) -> tuple[Simulator, Peer, list[Member], Invariants]:
    stage, watch = Tunnel(seed), Invariants()
    members = [Member(stage, name, add, raft, watch=watch) for name in NAMES]
    for member in members:
        member.join(members)
    return stage.sim, Peer(stage, "client"), members, watch


@pytest.mark.parametrize("seed", range(6))
def test_all_apply_the_same_commands_in_the_same_order_whoever_crashes(seed: int) -> None:
    luck = Random(seed)
    sim, client, members, watch = set_up(seed)
    answered: list[str] = []

    async def ask(letter: str) -> None:
        for _ in range(200):
            leading = [member for member in members if member.leads]
            if leading:
                try:
                    done, _ = await client.call(leading[-1], "command", [letter], within_s=0.3)
                except TimeoutError:
                    return  # done or not
                if done:
                    answered.append(letter)
                    return
            await sim.sleep(0.01)

    for letter in "abcdefghijklmnop":
        sim.spawn(ask(letter))
        victim = luck.choice(members)
        if luck.random() < 0.3:
            victim.host.crash()
            sim.run(until=sim.now + luck.uniform(0.01, 0.5))
            victim.host.restart()
        sim.run(until=sim.now + luck.uniform(0.0, 0.1))
    sim.run(until=sim.now + 3)
    assert watch.broken == []
    assert watch.looks > 100
    one, *others = [member.state["letters"] for member in members]
    assert others == [one, one]
    assert len(answered) > 8
    assert set(answered) <= set(one)


def test_who_does_not_lead_says_who_does() -> None:
    sim, client, members, _ = set_up()
    sim.run(until=1)
    (leader,) = [member for member in members if member.leads]
    follower = next(member for member in members if not member.leads)
    asked = sim.spawn(client.call(follower, "command", ["x"], within_s=1.0))
    assert sim.run_until(asked) == (False, leader.host.name)
    asked = sim.spawn(client.call(leader, "command", ["x"], within_s=1.0))
    assert sim.run_until(asked) == (True, "x")


def test_a_command_that_another_leader_has_written_over_was_not_done() -> None:
    sim, client, members, _ = set_up()
    sim.run(until=1)
    (old,) = [member for member in members if member.leads]
    others = [member.host for member in members if member is not old]
    apart = sim.network.partition(old.host, others)
    lost = sim.spawn(client.call(old, "command", ["lost"], within_s=10.0))
    sim.run(until=2)
    (new,) = [member for member in members if member.leads and member is not old]
    kept = sim.spawn(client.call(new, "command", ["kept"], within_s=1.0))
    assert sim.run_until(kept) == (True, "kept")
    apart.heal()
    assert sim.run_until(lost) == (False, None)
    sim.run(until=sim.now + 1)
    assert {member.state["letters"] for member in members} == {"kept"}


def test_who_waits_for_a_number_is_answered_also_where_the_same_server_gives_it_again() -> None:
    """It leads, is written over by a leader who has less, and leads again: two wait for number 4, and one was done."""
    sim, client, (one, *others), _ = set_up()
    for other in others:
        other.host.crash()
    told: dict[str, Any] = {}
    sim.run(until=0.01)

    async def ask(letter: str) -> None:
        told[letter] = await client.call(one, "command", [letter], within_s=5)

    def tell(message: RaftMessage) -> None:
        client.host.send(one.host, message, port=RAFT_PORT)
        sim.run(until=sim.now + 0.05)

    def lead() -> int:
        while one.raft.role != "candidate":
            sim.run(until=sim.now + 0.01)
        tell(Vote(one.raft.term, "b", True))
        assert one.leads
        return one.raft.term

    first = lead()
    for letter in "xyz":
        sim.spawn(ask(letter))
        sim.run(until=sim.now + 0.02)
    tell(AppendEntries(first + 1, "b", 1, first, (LogEntry(first + 1, None),), 0))
    last = lead()
    sim.spawn(ask("w"))
    sim.run(until=sim.now + 0.02)
    assert one.raft.log.last == 4
    tell(Appended(last, "b", True, 4))
    assert told == {"x": (False, None), "y": (False, None), "z": (False, None), "w": (True, "w")}


def test_nobody_hears_of_a_command_that_is_not_on_the_leaders_disk() -> None:
    """d-engine 329, goraft 150: a leader that counts itself before that may lose what a majority had with it."""
    stage, watch = Tunnel(0), Invariants()
    members = [Member(stage, name, add, raft, sync_s=lambda luck: 0.05, watch=watch) for name in NAMES]
    for member in members:
        member.join(members)
    sim, client = stage.sim, Peer(stage, "client")
    sim.run(until=1.5)
    (leader,) = [member for member in members if member.leads]
    sim.spawn(client.call(leader, "command", ["x"], within_s=5))
    while leader.raft.log.last < 2:
        sim.run(until=sim.now + 0.001)
    sim.run(until=sim.now + 0.045)
    assert [member.raft.log.last for member in members if member is not leader] == [1, 1]
    leader.host.crash()
    sim.run(until=sim.now + 1)
    leader.host.restart()
    sim.run(until=sim.now + 1)
    assert [entry.command for entry in leader.raft.log.since(1) if entry.command is not None] == []
    assert watch.broken == []


def test_a_member_keeps_its_term_its_vote_and_its_log() -> None:
    sim, client, members, _ = set_up()
    sim.run(until=1)
    (leader,) = [member for member in members if member.leads]
    sim.run_until(sim.spawn(client.call(leader, "command", ["x"], within_s=1.0)))
    term, vote, log = leader.raft.term, leader.raft.vote, leader.raft.log.since(1)
    leader.host.crash()
    assert not leader.leads
    leader.host.restart()
    sim.run(until=sim.now + 0.001)
    assert (leader.raft.term, leader.raft.vote) == (term, vote)
    assert [(entry.term, entry.command) for entry in leader.raft.log.since(1)] == [tuple(entry) for entry in log]


def test_a_journal_waits_for_its_disk_as_long_as_it_is_told() -> None:
    sim = Simulator(0)
    journal = Journal(sim.host("a"), sync_s=lambda: 0.25)
    sim.run_process(journal.keep("x"))
    assert sim.now == pytest.approx(0.25, abs=1e-4)
    assert journal.records() == ["x"]
