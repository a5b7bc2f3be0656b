"""Raft: what one server says to messages and to the time, and what a group of them never does on any schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from windtunnel.blocks.consensus import (
    Appended,
    AppendEntries,
    Kept,
    LogEntry,
    NotLeader,
    Raft,
    RaftMessage,
    Ready,
    RequestVote,
    Vote,
)
from windtunnel.blocks.consensus.raft import MOST
from windtunnel.catalogue.scale.election.schedules import Chances, Make, Schedules, careful, plain, tried
from windtunnel.explore import RandomWalk, explore, replay

NAMES = ["a", "b", "c"]


def server(me: str = "a", kept: Kept | None = None, **options: Any) -> Raft:
    return Raft(me, NAMES, Random(1), kept=kept, **options)


def elected(kept: Kept | None = None, **options: Any) -> Raft:
    """Server a, which leads by the vote of b."""
    raft = server(kept=kept, **options)
    raft.tick(raft.due_s)
    if options.get("pre_vote"):
        raft.step(Vote(raft.term + 1, "b", True, pre=True), raft.due_s)
    raft.step(Vote(raft.term, "b", True), 1.0)
    assert raft.role == "leader"
    raft.take()
    return raft


def sent(work: Ready, kind: type[Any]) -> list[Any]:
    return [message for _, message in work.messages if isinstance(message, kind)]


def test_a_server_that_hears_nobody_raises_its_term_and_asks_all_others() -> None:
    raft = server()
    assert 0.15 <= raft.due_s <= 0.3
    raft.tick(raft.due_s - 0.001)
    assert raft.take() == Ready(None, 1, (), False, (), ())
    raft.tick(raft.due_s)
    work = raft.take()
    assert work.hard == (1, "a")
    assert work.keeps
    assert work.messages == (("b", RequestVote(1, "a", 0, 0)), ("c", RequestVote(1, "a", 0, 0)))


def test_a_server_votes_once_a_term_and_says_the_same_when_it_is_asked_again() -> None:
    raft = server()
    for sender, granted in (("b", True), ("c", False), ("b", True)):
        raft.step(RequestVote(1, sender, 0, 0), 0.0)
        work = raft.take()
        assert work.messages == ((sender, Vote(1, "a", granted)),)
    raft.step(RequestVote(2, "c", 0, 0), 0.0)
    assert raft.take().hard == (2, "c")


@pytest.mark.parametrize(("last", "last_term", "granted"), [(2, 2, True), (1, 3, True), (1, 2, False), (9, 1, False)])
def test_nobody_gets_a_vote_whose_log_is_behind(last: int, last_term: int, granted: bool) -> None:
    raft = server(kept=Kept(2, None, (LogEntry(1, "x"), LogEntry(2, "y"))))
    raft.step(RequestVote(3, "b", last, last_term), 0.0)
    assert sent(raft.take(), Vote) == [Vote(3, "a", granted)]


def test_what_was_kept_is_so_after_a_crash() -> None:
    kept = Kept(4, "b", (LogEntry(3, "x"),))
    raft = server(kept=kept)
    assert (raft.term, raft.vote, raft.log.since(1), raft.commit) == (4, "b", kept.entries, 0)
    raft.step(RequestVote(4, "c", 9, 9), 0.0)
    assert sent(raft.take(), Vote) == [Vote(4, "a", False)]


def test_a_leader_begins_with_an_entry_of_its_own_and_commits_what_a_majority_has() -> None:
    raft = elected()
    assert raft.log.since(1) == (LogEntry(1, None),)
    assert raft.propose("x", "y") == 3
    work = raft.take()
    assert (work.first, work.entries, work.cut) == (2, (LogEntry(1, "x"), LogEntry(1, "y")), True)
    raft.step(Appended(1, "b", True, 2), 1.0)
    assert [number for number, _ in raft.take().committed] == [1, 2]


def test_an_entry_of_an_earlier_term_is_not_committed_by_being_counted() -> None:
    """The paper's figure 8."""
    raft = elected(Kept(2, None, (LogEntry(1, "x"), LogEntry(2, "y"))))
    raft.step(Appended(3, "b", True, 2), 1.0)
    assert raft.commit == 0
    raft.step(Appended(3, "b", True, 3), 1.0)
    assert raft.commit == 3


def test_a_follower_takes_the_leaders_log_for_its_own() -> None:
    raft = server(kept=Kept(2, None, (LogEntry(1, "x"), LogEntry(2, "mine"), LogEntry(2, "too"))))
    raft.step(AppendEntries(3, "b", 2, 3, (), 0), 0.0)
    assert sent(raft.take(), Appended) == [Appended(3, "a", False, 1)], "the leader begins before the other term"
    raft.step(AppendEntries(3, "b", 1, 1, (LogEntry(3, "yours"),), 2), 0.0)
    work = raft.take()
    assert raft.log.since(1) == (LogEntry(1, "x"), LogEntry(3, "yours"))
    assert (work.first, work.entries, work.cut) == (2, (LogEntry(3, "yours"),), True)
    assert work.committed == ((1, LogEntry(1, "x")), (2, LogEntry(3, "yours")))


def test_a_late_message_takes_nothing_away() -> None:
    raft = server(kept=Kept(3, None, (LogEntry(3, "x"), LogEntry(3, "y"))))
    raft.step(AppendEntries(3, "b", 0, 0, (LogEntry(3, "x"),), 0), 0.0)
    assert raft.log.since(1) == (LogEntry(3, "x"), LogEntry(3, "y"))
    assert not raft.take().cut


def test_a_leader_that_hears_of_a_higher_term_follows() -> None:
    raft = elected()
    raft.step(Appended(5, "c", False, 0), 1.0)
    assert (raft.role, raft.term, raft.vote) == ("follower", 5, None)
    with pytest.raises(NotLeader, match="who does"):
        raft.propose("x")


def test_messages_of_strangers_are_nothing() -> None:
    raft = server()
    raft.step(RequestVote(9, "z", 9, 9), 0.0)
    assert raft.term == 0
    assert raft.take().messages == ()


def test_who_asks_beforehand_raises_no_term_and_disturbs_nobody() -> None:
    raft = server(pre_vote=True)
    raft.tick(raft.due_s)
    work = raft.take()
    assert work.hard is None
    assert sent(work, RequestVote) == [RequestVote(1, "a", 0, 0, pre=True)] * 2
    follower = server("b", pre_vote=True)
    follower.step(AppendEntries(1, "c", 0, 0, (), 0), 0.0)
    follower.take()
    follower.step(RequestVote(2, "a", 0, 0, pre=True), 0.1)
    assert sent(follower.take(), Vote) == [Vote(1, "b", False, pre=True)], "it hears a leader"
    follower.step(RequestVote(2, "a", 0, 0, pre=True), 0.16)
    assert sent(follower.take(), Vote) == [Vote(2, "b", True, pre=True)]
    assert (follower.term, follower.vote) == (1, None)


def test_a_leader_that_counts_who_answers_steps_down_where_no_majority_does() -> None:
    counts, stays = elected(check_quorum=True), elected()
    for raft in (counts, stays):
        now_s = 1.0
        while now_s < 1.3:
            now_s = raft.due_s
            raft.tick(now_s)
    assert counts.role != "leader"
    assert stays.role == "leader"


@pytest.mark.parametrize("options", [{"pre_vote": True}, {"check_quorum": True}])
def test_a_clock_that_stands_before_zero_is_no_leader_that_was_heard(options: dict[str, Any]) -> None:
    raft = server(now_s=-100.0, **options)
    raft.step(RequestVote(1, "b", 0, 0, pre="pre_vote" in options), -100.0)
    assert [vote.granted for vote in sent(raft.take(), Vote)] == [True]


def test_who_said_yes_to_a_full_message_gets_the_next_one_at_once() -> None:
    raft = elected()
    raft.propose(*range(2 * MOST))
    assert [len(message.entries) for message in sent(raft.take(), AppendEntries)] == [MOST] * 2
    raft.step(Appended(1, "b", True, MOST + 1), 1.0)
    (then,) = sent(raft.take(), AppendEntries)
    assert (then.before, len(then.entries), then.commit) == (MOST + 1, MOST, MOST + 1)
    raft.step(Appended(1, "b", True, 2 * MOST + 1), 1.0)
    assert raft.take().messages == ()


def test_who_denies_all_that_was_sent_behind_a_loss_is_sent_it_once_a_heartbeat() -> None:
    raft = elected()
    raft.step(Appended(1, "b", True, 1), 1.0)
    for command in range(5):
        raft.propose(command)
    raft.take()
    for _ in range(4):
        raft.step(Appended(1, "b", False, 1), 1.0)
    assert [(message.before, len(message.entries)) for message in sent(raft.take(), AppendEntries)] == [(1, 5)]
    raft.step(Appended(1, "b", False, 0), 1.0)
    assert len(sent(raft.take(), AppendEntries)) == 1, "a no that goes further back is heard"
    raft.beat(1.1)
    raft.take()
    raft.step(Appended(1, "b", False, 1), 1.2)
    assert [message.before for message in sent(raft.take(), AppendEntries)] == [1], "and one after a heartbeat"


def test_a_group_of_one_commits_at_once_and_keeps_first() -> None:
    raft = Raft("a", ["a"], Random(1))
    raft.tick(raft.due_s)
    raft.propose("x")
    work = raft.take()
    assert work.keeps
    assert [entry.command for _, entry in work.committed] == [None, "x"]


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: Raft("z", NAMES, Random(1)), "has to be one of the members"),
        (lambda: Raft("a", ["a", "a"], Random(1)), "stands there once"),
        (lambda: server(election_s=(0.3, 0.15)), "least <= greatest"),
        (lambda: server(heartbeat_s=0.0), "more than 0"),
        (lambda: server(heartbeat_s=0.15), "less than 0.15"),
    ],
)
def test_what_is_no_server_is_refused(made: Callable[[], Raft], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        made()


# --- groups, on schedules ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("make", [plain, careful])
@pytest.mark.parametrize("servers", [3, 5])
def test_the_invariants_of_the_paper_hold_after_each_step(make: Make, servers: int) -> None:
    found, program = tried(200 // servers, make, chances=Chances(servers=servers, steps=40 * servers))
    assert found.failure is None
    assert found.schedules == 200 // servers
    assert program.leaders > 15, "elections were won"
    assert program.committed > 40, "and entries were committed"


@pytest.mark.soak
@pytest.mark.parametrize("make", [plain, careful])
@pytest.mark.parametrize("servers", [3, 5])
def test_the_invariants_hold_on_ten_thousand_schedules(make: Make, servers: int) -> None:
    found, program = tried(2500, make, seed=1, chances=Chances(servers=servers, steps=50 * servers))
    assert found.failure is None
    assert found.schedules == 2500
    assert min(program.leaders, program.committed) > 1000


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=60, max_size=160))
def test_no_schedule_that_somebody_thinks_of_breaks_them(picks: list[int]) -> None:
    rest = iter(picks)

    def choose(enabled: Sequence[str], _: object) -> str | None:
        pick = next(rest, None)
        return None if pick is None or not enabled else enabled[pick % len(enabled)]

    assert Schedules(plain, Chances(steps=200)).run(choose, 1000)[1] is None


class Forgetful(Raft):
    """Keeps its log, and no vote."""

    def take(self) -> Ready:
        return super().take()._replace(hard=None)


class Generous(Raft):
    """Votes for whatever log."""

    def step(self, message: RaftMessage, now_s: float) -> None:
        if isinstance(message, RequestVote):
            message = replace(message, last=self.log.last, last_term=self.log.last_term)
        super().step(message, now_s)


class Hasty(Raft):
    """Two of five are a majority."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.majority = len(self.others) // 2


class Trusting(Raft):
    """Takes entries in wherever they belong, and does not ask what stands before them."""

    def step(self, message: RaftMessage, now_s: float) -> None:
        if isinstance(message, AppendEntries) and message.before <= self.log.last:
            message = replace(message, before_term=self.log.term(message.before))
        super().step(message, now_s)


@pytest.mark.parametrize(
    ("kind", "servers", "says"),
    [
        (Forgetful, 3, "Election safety|State machine safety|Leader completeness|Log matching"),
        (Generous, 3, "Leader completeness"),
        (Hasty, 5, "Election safety|State machine safety|Leader completeness"),
        (Trusting, 3, "Log matching|State machine safety|Leader completeness"),
    ],
)
def test_a_server_that_forgets_a_rule_is_found_out_and_the_schedule_can_be_replayed(
    kind: type[Raft], servers: int, says: str
) -> None:
    def make(name: str, names: Sequence[str], kept: Kept) -> Raft:
        return kind(name, names, Random(1), kept=kept)

    program = Schedules(make, Chances(servers=servers, steps=50 * servers))
    found = explore(program, RandomWalk(3), limit=1500)
    assert found.failure is not None, "no schedule showed it"
    assert any(word in found.failure.sentence for word in says.split("|"))
    again = replay(program, found.failure.tape)
    assert again is not None
    assert again.sentence == found.failure.sentence
