"""What was reported of other implementations of Raft, tried on ours. Each test says which report it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest

from windtunnel.blocks.consensus import (
    Appended,
    AppendEntries,
    Kept,
    LogEntry,
    Raft,
    RaftMessage,
    Ready,
    RequestVote,
    Vote,
)

NAMES = ["a", "b", "c"]
BOTH = {"pre_vote": True, "check_quorum": True}


def log(*terms: int) -> tuple[LogEntry, ...]:
    return tuple(LogEntry(term, f"{number} of {term}") for number, term in enumerate(terms, 1))


def server(me: str = "a", kept: Kept | None = None, names: Iterable[str] = NAMES, **options: Any) -> Raft:
    return Raft(me, list(names), Random(me), kept=kept, **options)


def leader(kept: Kept | None = None, names: Iterable[str] = NAMES, **options: Any) -> Raft:
    """Server a, which has the votes of all others."""
    raft = server("a", kept, names, **options)
    raft.tick(raft.due_s)
    for pre in (True, False):
        for other in raft.others:
            raft.step(Vote(raft.term + pre, other, True, pre=pre), raft.due_s)
    assert raft.role == "leader"
    raft.take()
    return raft


def sent(work: Ready, kind: type[Any]) -> list[Any]:
    return [message for _, message in work.messages if isinstance(message, kind)]


def talk(up: dict[str, Raft], now_s: float) -> list[RaftMessage]:
    """Deliver what is said, and what is said to that, until nobody says anything; what was said."""
    found: list[RaftMessage] = []
    while said := [one for raft in up.values() for one in raft.take().messages]:
        found += [message for _, message in said]
        for to, message in said:
            if to in up:
                up[str(to)].step(message, now_s)
    return found


def elects(up: dict[str, Raft], timeouts: int = 30) -> str | None:
    """Let those who are up time out, one after the other, until one leads."""
    for _ in range(timeouts):
        first = min(up.values(), key=lambda raft: raft.due_s)
        now_s = first.due_s
        first.tick(now_s)
        talk(up, now_s)
        for name, raft in up.items():
            if raft.role == "leader":
                return name
    return None


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ({"pre_vote": True}, {"pre_vote": True}),
        (BOTH, BOTH),
        ({"pre_vote": True}, {"check_quorum": True}),
        ({"check_quorum": True}, {"pre_vote": True}),
    ],
)
@pytest.mark.parametrize(("old", "leads"), [(log(1), "ac"), (log(1, 1), "c")])
def test_who_has_a_low_term_and_who_has_a_high_one_elect_one_of_them(
    here: dict[str, bool], there: dict[str, bool], old: tuple[LogEntry, ...], leads: str
) -> None:
    """etcd 8243 and canonical/raft 279 (no question was answered), etcd 8501 (the longer log, the lower term)."""
    up = {"a": server("a", Kept(5, None, log(1)), **here), "c": server("c", Kept(1, None, old), **there)}
    assert (elects(up) or "nobody") in leads
    assert up["a"].term == up["c"].term > 5


def test_two_who_miss_their_leader_at_once_do_not_tell_each_other_that_they_hear_it() -> None:
    """etcd 8334 and 9586, raft-rs 84."""
    up = {name: server(name, **BOTH) for name in "bc"}
    for raft in up.values():
        raft.step(AppendEntries(1, "a", 0, 0, (), 0), 1.0)
        raft.take()
        raft.tick(1.3)
    assert [one.granted for one in talk(up, 1.3) if isinstance(one, Vote) and one.pre] == [True, True]
    assert elects(up) is not None


def test_the_answer_to_a_question_is_no_vote_and_a_vote_is_none_to_a_question() -> None:
    """canonical/raft 196."""
    raft = server(pre_vote=True)
    raft.tick(raft.due_s)
    raft.step(Vote(1, "b", True), 0.3)
    assert (raft.role, raft.term) == ("follower", 1), "a term that somebody else has raised"
    raft.tick(raft.due_s)
    raft.step(Vote(2, "b", True, pre=True), 0.7)
    raft.step(Vote(2, "c", True, pre=True), 0.7)
    assert (raft.role, raft.term) == ("candidate", 2)


def test_a_vote_that_comes_twice_is_one_and_one_of_an_earlier_term_is_none() -> None:
    raft = server(names="abcde")
    raft.tick(raft.due_s)
    raft.tick(raft.due_s)
    for vote in (Vote(2, "b", True), Vote(2, "b", True), Vote(1, "c", True), Vote(2, "d", False)):
        raft.step(vote, 1.0)
    assert raft.role == "candidate"
    raft.step(Vote(2, "c", True), 1.0)
    assert raft.role == "leader"


def test_an_answer_of_an_earlier_term_counts_for_nothing() -> None:
    raft = leader(Kept(4, None, log(1, 1, 4)))
    raft.step(Appended(4, "b", True, 4), 1.0)
    assert raft.commit == 0
    raft.step(Appended(5, "b", True, 4), 1.0)
    assert raft.commit == 4


def test_who_asks_beforehand_is_asked_for_his_log_too() -> None:
    """NuRaft 134."""
    raft = server(kept=Kept(2, None, log(1, 2)), pre_vote=True)
    raft.step(RequestVote(3, "b", 9, 1, pre=True), 1.0)
    assert [vote.granted for vote in sent(raft.take(), Vote)] == [False]


def test_a_leader_that_hears_of_a_higher_term_has_voted_for_nobody_in_it() -> None:
    """openraft 1220."""
    raft = leader(Kept(1, None, log(1, 1)))
    raft.step(Appended(5, "b", False, 0), 1.0)
    raft.step(RequestVote(5, "b", 1, 1), 1.0)
    assert sent(raft.take(), Vote) == [Vote(5, "a", False)]
    raft.step(RequestVote(5, "c", 3, 3), 1.0)
    assert sent(raft.take(), Vote) == [Vote(5, "a", True)]


def test_what_is_committed_stays_so_when_a_new_leader_does_not_know_it_yet() -> None:
    """PySyncObj 166."""
    raft = server(kept=Kept(1, None, log(1, 1, 1)))
    raft.step(AppendEntries(1, "b", 3, 1, (), 3), 1.0)
    assert [number for number, _ in raft.take().committed] == [1, 2, 3]
    raft.step(AppendEntries(2, "c", 3, 1, (), 1), 1.0)
    assert raft.commit == 3
    assert raft.take().committed == ()


def test_a_heartbeat_commits_what_it_has_compared_and_takes_nothing_away() -> None:
    """copycat 265 and etcd 1203 (what stood behind was committed), willemt/raft 37 (what stood behind was deleted)."""
    raft = server(kept=Kept(1, None, log(1, 1, 1)))
    raft.step(AppendEntries(2, "b", 1, 1, (), 3), 1.0)
    assert (raft.commit, raft.log.last) == (1, 3)


def test_a_no_that_comes_late_takes_no_leader_back_behind_a_yes() -> None:
    """little-raft 18 (below the first entry), NuRaft 105 and akka-entity-replication 165 (below what was there)."""
    raft = leader(Kept(1, None, log(1, 1, 1)))
    for answer in (Appended(2, "b", False, 0), Appended(2, "b", True, 4), Appended(2, "b", False, 0)):
        raft.step(answer, 1.0)
        raft.step(Appended(2, "c", False, 0), 1.0)
    assert {to: one.before for to, one in raft.take().messages} == {"b": 4, "c": 0}
    raft.beat(2.0)
    assert [one.before for one in sent(raft.take(), AppendEntries)] == [4, 4]


def test_all_the_followers_of_figure_7_come_to_the_leaders_log_with_a_no_for_each_term() -> None:
    """The paper's figure 7; cubefs 2376 and yugabyte-db 32876, in which one of them never came to it."""
    theirs = {
        "b": log(1, 1, 1, 4, 4, 5, 5, 6, 6),
        "c": log(1, 1, 1, 4),
        "d": log(1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6),
        "e": log(1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7),
        "f": log(1, 1, 1, 4, 4, 4, 4),
        "g": log(1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3),
    }
    raft = leader(Kept(7, None, log(1, 1, 1, 4, 4, 5, 5, 6, 6, 6)), names="abcdefg")
    raft.beat(1.0)
    up = {"a": raft, **{name: server(name, Kept(7, None, had), "abcdefg") for name, had in theirs.items()}}
    denied = [one.sender for one in talk(up, 1.0) if isinstance(one, Appended) and not one.ok]
    raft.beat(2.0)
    talk(up, 2.0)
    assert {name: one.log.since(1) for name, one in up.items()} == dict.fromkeys(up, raft.log.since(1))
    assert {one.commit for one in up.values()} == {raft.log.last}
    assert max(denied.count(name) for name in theirs) <= 3


def test_nobody_listens_to_whom_does_not_hear_a_leader_that_is_heard() -> None:
    """Dissertation, 4.2.3: the term is not raised either."""
    raft = server(check_quorum=True)
    raft.step(AppendEntries(1, "b", 0, 0, (), 0), 1.0)
    raft.take()
    raft.step(RequestVote(9, "c", 9, 9), 1.14)
    assert (raft.term, raft.take().messages) == (1, ())
    raft.step(RequestVote(9, "c", 9, 9), 1.15 + 1e-9)
    assert sent(raft.take(), Vote) == [Vote(9, "a", True)]


@pytest.mark.parametrize("options", [{}, {"check_quorum": True}, {"pre_vote": True}, BOTH])
def test_who_has_raised_his_term_in_vain_comes_back_into_the_group(options: dict[str, bool]) -> None:
    """etcd 5451: nobody votes for him and he follows nobody. His answer lets the leader step down, once."""
    up = {name: server(name, **options) for name in NAMES}
    first = elects(up)
    assert first is not None
    alone = next(name for name in NAMES if name != first)
    left = {alone: up[alone]}
    up[alone].step(AppendEntries(9, first, 0, 0, (), 0), up[first].due_s)
    assert elects(left, 5) is None
    assert (up[alone].term > 9) is not options.get("pre_vote", False)
    for _ in range(40):
        one = min(up.values(), key=lambda raft: raft.due_s)
        one.tick(now_s := one.due_s)
        talk(up, now_s)
    assert [raft.role for raft in up.values()].count("leader") == 1
    assert len({raft.term for raft in up.values()}) == 1
    assert up[alone].term >= 9


def test_a_group_of_one_leads_for_ever() -> None:
    raft = server(names="a", **BOTH)
    for _ in range(50):
        raft.tick(raft.due_s)
    assert (raft.role, raft.term, raft.commit) == ("leader", 1, 1)
