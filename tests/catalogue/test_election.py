"""Elections: the paper's trial beside a program that shares nothing with ours, and what the judge counts."""

from __future__ import annotations

import heapq
from itertools import count
from random import Random
from statistics import mean, median
from typing import Any

import pytest

from windtunnel import Event
from windtunnel.catalogue.scale.election import Params, experiment
from windtunnel.catalogue.scale.election.claims import BROADCAST_MS, LEADERLESS_MS
from windtunnel.catalogue.scale.election.judging import gaps_s, lost, struck, trials_ms, twice
from windtunnel.catalogue.scale.election.schedules import main
from windtunnel.lab.params import make, settings
from windtunnel.lab.running.work import drive, workload

FOLLOWERS, NEEDED, DISK_MS = 4, 3, 7.0


def trial_ms(least: float, greatest: float, luck: Random) -> float:
    """A leader has crashed: how long four followers take to elect another one, by a program of fifty lines.

    Timers, disks and messages, one queue; who waits for his disk does nothing else. It knows nothing of logs.
    """
    crashed_ms = luck.uniform(0, least / 2)
    term, vote, busy, timer = [0] * FOLLOWERS, [-1] * FOLLOWERS, [0.0] * FOLLOWERS, [0] * FOLLOWERS
    votes: list[set[int]] = [set() for _ in range(FOLLOWERS)]
    numbers, events = count(), list[tuple[float, int, str, tuple[int, ...]]]()

    def at(when: float, what: str, *told: int) -> None:
        heapq.heappush(events, (when, next(numbers), what, told))

    def way() -> float:
        return luck.uniform(0.15, 0.45)

    def wait(who: int, now: float) -> None:
        timer[who] += 1
        at(now + luck.uniform(least, greatest), "timeout", who, timer[who])

    def write(who: int, now: float) -> float:
        busy[who] = now + luck.expovariate(1 / DISK_MS)
        return busy[who]

    for who in range(FOLLOWERS):
        wait(who, way())
    while True:
        now, _, what, told = heapq.heappop(events)
        who = told[0]
        if busy[who] > now:
            at(busy[who], what, *told)
        elif what == "timeout" and told[1] == timer[who]:
            term[who], vote[who], votes[who] = term[who] + 1, who, {who}
            wait(who, now)
            done = write(who, now)
            for other in range(FOLLOWERS):
                if other != who:
                    at(done + way(), "asked", other, who, term[who])
        elif what == "asked":
            _, candidate, asked = told
            newer = asked > term[who]
            if newer:
                term[who], vote[who], votes[who] = asked, -1, set()
            if asked == term[who] and vote[who] == -1:
                vote[who] = candidate
                wait(who, now)
                at(write(who, now) + way(), "voted", candidate, who, asked)
            elif newer:
                write(who, now)
        elif what == "voted" and told[2] == term[who] and vote[who] == who:
            votes[who].add(told[1])
            if len(votes[who]) == NEEDED:
                return now - crashed_ms


def ran(design: str, seed: int, **given: Any) -> tuple[Any, Any]:
    p = make(experiment.params, settings(experiment.params, given))
    ops = workload(experiment, p, seed)
    return drive(experiment, "sim", design, seed, p, ops, experiment.faults_for(p)), p


@pytest.mark.parametrize(
    ("least", "spread", "crashes"),
    [
        (150.0, 5.0, 40),
        pytest.param(150.0, 5.0, 100, marks=pytest.mark.soak),
        pytest.param(12.0, 12.0, 100, marks=pytest.mark.soak),
        pytest.param(150.0, 150.0, 100, marks=pytest.mark.soak),
    ],
)
def test_elections_take_as_long_as_in_a_program_that_shares_nothing_with_ours(
    least: float, spread: float, crashes: int
) -> None:
    luck = Random(1)
    theirs = sorted(trial_ms(least, least + spread, luck) for _ in range(500))
    history, _ = ran("random_timeouts", 5, trouble="leader", timeout_ms=least, spread_ms=spread, crashes=crashes)
    ours = trials_ms(history)
    assert len(ours) == crashes
    for share in (0.25, 0.5, 0.75):
        below = sum(one <= theirs[int(share * len(theirs))] for one in ours) / crashes
        assert abs(below - share) < 4 * (share * (1 - share) / crashes) ** 0.5


def test_the_first_of_four_timeouts_two_disks_and_two_ways_are_the_mean() -> None:
    luck = Random(2)
    assert mean(trial_ms(150, 300, luck) for _ in range(1000)) == pytest.approx(LEADERLESS_MS, rel=0.04)
    slowest = mean(max(luck.expovariate(1 / DISK_MS) for _ in range(4)) + 0.6 for _ in range(4000))
    assert slowest == pytest.approx(BROADCAST_MS, rel=0.04)


@pytest.mark.soak
def test_the_papers_median_and_mean_are_met_by_the_program_that_shares_nothing() -> None:
    luck = Random(3)
    assert median(trial_ms(150, 155, luck) for _ in range(20000)) == pytest.approx(310, rel=0.03)
    assert mean(trial_ms(12, 24, luck) for _ in range(20000)) == pytest.approx(41, rel=0.03)


@pytest.mark.soak
def test_one_timeout_for_all_elects_nobody_in_ten_seconds() -> None:
    history, _ = ran("fixed_timeouts", 0, trouble="leader", crashes=3)
    assert min(trials_ms(history)) >= 10_000


def test_schedules_are_tried_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["8"]) == 0
    assert capsys.readouterr().out.count("all invariants held") == 4


def event(name: str, at: int, *args: Any, start: float = 0.0, end: float = 0.0, value: Any = None) -> Event:
    return Event("client", name, (at, *args), start, end, "ok", value, start, 0)


def test_the_judge_finds_what_is_gone_and_what_is_there_twice() -> None:
    put = [event("put", 0, "k", value, start=value, end=value + 0.1) for value in (1, 2, 3)]
    looks = [event("everything", at, value=seen, start=9.0, end=9.1) for at, seen in ((0, [1, 2, 3]), (1, [1, 3, 3]))]
    assert lost([*put, *looks]) == [False, True, False]
    assert lost([event("put", 0, "k", 2, start=0.0, end=1.0), looks[1]._replace(start=0.9)]) == [False], "looked before"
    assert twice([*put, *looks]) == 1
    assert gaps_s([put[0], put[2]]) == pytest.approx([0.1, 2.0, -0.1])


def test_two_servers_are_restarted_at_a_time_and_all_in_turn() -> None:
    p = Params(rounds=1, for_s=1.0)
    pairs = struck(p)
    assert [at for at, _ in pairs] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]
    assert [from_s for _, from_s in pairs[:4]] == [0.6, 0.6, 1.6, 1.6]
    assert [at for at, _ in struck(Params(trouble="deaf", rounds=1))] == [0, 1, 2, 3, 4]
