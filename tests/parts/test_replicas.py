"""A primary and its followers: one order, promises of three strengths, and never a follower that is ahead."""

from __future__ import annotations

from random import Random

import pytest

from helpers.letters import Tunnel, add
from windtunnel.parts import Follower, Journal, Peer, Primary, first_answers
from windtunnel.sim import Simulator


def set_up(acks: int, seed: int = 0) -> tuple[Simulator, Peer, Primary, list[Follower]]:
    stage = Tunnel(seed)
    followers = [Follower(stage, f"follower {i}", add) for i in range(2)]
    return stage.sim, Peer(stage, "client"), Primary(stage, "primary", add, followers, acks), followers


@pytest.mark.parametrize("seed", range(20))
def test_all_have_the_same_commands_in_the_same_order_whatever_crashes(seed: int) -> None:
    luck = Random(seed)
    sim, client, primary, followers = set_up(luck.randrange(3), seed)
    answered: list[str] = []

    async def ask(letter: str) -> None:
        try:
            await client.call(primary, "command", [letter], within_s=0.05)
            answered.append(letter)
        except TimeoutError:
            pass  # done or not

    for letter in "abcdefghijklmnop":
        sim.spawn(ask(letter))
        if luck.random() < 0.4:
            victim = luck.choice([primary, *followers])
            victim.host.crash()
            sim.run(until=sim.now + luck.uniform(0.001, 0.02))
            victim.host.restart()
        sim.run(until=sim.now + luck.uniform(0.0, 0.01))
        assert all(primary.log[: len(f.log)] == f.log for f in followers)
    sim.run(until=sim.now + 5)
    assert primary.behind() == 0
    assert [f.state for f in followers] == [primary.state] * 2
    assert answered
    assert set(answered) <= set(primary.state["letters"])


@pytest.mark.parametrize(("acks", "down", "answers"), [(0, 2, True), (1, 1, True), (1, 2, False), (2, 1, False)])
def test_a_command_waits_for_as_many_followers_as_were_asked_for(acks: int, down: int, answers: bool) -> None:
    sim, client, primary, followers = set_up(acks)
    for follower in followers[:down]:
        follower.host.crash()
    asked = sim.spawn(client.call(primary, "command", ["a"], within_s=1.0))
    if answers:
        assert sim.run_until(asked) == "a"
    else:
        with pytest.raises(TimeoutError, match="did not answer command"):
            sim.run_until(asked)
    assert primary.behind() == 1, "the one that is down"


def test_a_read_of_a_follower_is_old_where_nobody_waited_for_it() -> None:
    sim, client, primary, (one, other) = set_up(acks=1)
    one.host.crash()
    sim.run_until(sim.spawn(client.call(primary, "command", ["a"], within_s=1.0)))
    one.host.restart()
    assert sim.run_until(sim.spawn(client.call(one, "read", "letters"))) is None
    assert sim.run_until(sim.spawn(client.call(other, "read", "letters"))) == "a"
    sim.run(until=sim.now + 1)
    assert sim.run_until(sim.spawn(client.call(one, "read", "letters"))) == "a"


def test_a_journal_goes_on_behind_its_whole_records_however_the_rest_was_torn() -> None:
    for seed in range(40):
        with Simulator(seed) as sim:
            host = sim.host("a", after_power_loss=("prefix", "sectors", "rubbish")[seed % 3])  # type: ignore[arg-type]
            journal = Journal(host)
            sim.run_until(sim.spawn(journal.keep("s" * 300)))
            for letter in "abc":
                journal.append(letter * 300)
            host.crash()
            host.restart()
            found = Journal(host).records()
            assert found == ["s" * 300, "a" * 300, "b" * 300, "c" * 300][: len(found)]
            assert found
            sim.run_until(sim.spawn(Journal(host).keep("t")))
            assert Journal(host).records() == [*found, "t"]


def test_more_acknowledgements_than_followers_are_refused() -> None:
    with pytest.raises(ValueError, match="2 followers cannot give 3"):
        set_up(acks=3)


def test_a_quorum_is_the_first_answers_or_a_timeout() -> None:
    sim, client, _, followers = set_up(acks=0)
    followers[0].host.crash()
    asked = sim.spawn(first_answers(client, followers, 1, "read", "letters"))
    assert sim.run_until(asked) == [None]
    asked = sim.spawn(first_answers(client, followers, 2, "read", "letters"))
    with pytest.raises(TimeoutError, match="1 of 2 answered read within"):
        sim.run_until(asked)
