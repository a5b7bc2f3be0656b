"""Members of a group: one order of commands on all of them, whoever crashes, and nothing told before a disk has it."""

from __future__ import annotations

from random import Random

import pytest

from helpers.letters import Tunnel, add
from windtunnel.blocks.consensus import Invariants, Kept, Raft
from windtunnel.parts import Journal, Member, Peer
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
