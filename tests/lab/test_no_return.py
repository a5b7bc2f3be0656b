"""The point of no return is where it is known to be, whatever the futures are like, and costs what it may."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import pytest

from helpers.toy_replicas import LATE, experiment
from windtunnel.lab.causes import Case, Ran
from windtunnel.lab.no_return import FUTURES, MOST_RUNS, WITHIN_S, NoReturn, point_of_no_return
from windtunnel.lab.running.work import Job
from windtunnel.sim.randomness import derive

Turns = Callable[[Random], float]
"""Of a future, the moment after which it fails, in a run of ten seconds; drawn by its own luck."""
KINDS: dict[str, Turns] = {
    "at once": lambda luck: 6.0,
    "late": lambda luck: 9.99,
    "early": lambda luck: 0.01,
    "a tenth fails anyway": lambda luck: -1.0 if luck.random() < 0.1 else 7.77,
    "nearly half fails anyway": lambda luck: -1.0 if luck.random() < 0.4 else 3.3,
    "all the time alike": lambda luck: 10 * luck.random(),
    "around a moment": lambda luck: luck.gauss(5.0, 0.5),
    "in two steps": lambda luck: 2.0 if luck.random() < 0.3 else 8.0,
    "mostly from the beginning": lambda luck: -1.0 if luck.random() < 0.6 else 5.0,
    "half from the beginning": lambda luck: -1.0 if luck.random() < 0.5 else 5.0,
}
GRADUAL = {"all the time alike", "around a moment"}
"""Of these no forty milliseconds cross one half by much. It may be that no such interval is found: then it says so."""


class Futures(Case):
    """A case whose futures are drawn, and not run."""

    turns: Turns
    length_s: float
    flips: float

    def ends_s(self) -> float:
        return self.length_s

    def run(self, todo: Sequence[Job]) -> list[Ran]:
        return [Ran({"service": {"late": float(self.told(job))}}, 0, ()) for job in todo]

    def told(self, job: Job) -> bool:
        at_s = self.turns(Random(job.turn_seed)) * self.length_s / 10
        flipped = Random(derive(job.turn_seed, repr(job.turn_s))).random() < self.flips
        return job.turn_s >= self.length_s or (job.turn_s >= at_s) != flipped


def found(kind: str, seed: int, length_s: float = 10.0, flips: float = 0.0) -> NoReturn:
    futures = Futures(experiment, "service", seed, LATE, {})
    futures.turns, futures.length_s, futures.flips = KINDS[kind], length_s, flips
    return point_of_no_return(futures)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length_s", [0.5, 10.0, 3600.0])
def test_it_is_bracketed_by_sixty_futures_on_either_side_of_forty_milliseconds(kind: str, length_s: float) -> None:
    for seed in range(20):
        one = found(kind, seed, length_s)
        shares = {share.at_s: share for share in one.curve}
        low, high = shares[one.low_s], shares[one.high_s]
        assert one.high_s - one.low_s <= WITHIN_S
        assert one.runs <= MOST_RUNS
        if kind in GRADUAL and not one.sure:
            continue
        assert (low.ran, high.ran, one.sure) == (FUTURES, FUTURES, True)
        assert high.share >= 0.5
        assert one.high_s == 0 or low.share < 0.5
        assert all(share.failing == share.futures for share in one.curve if share.at_s >= length_s)


def test_what_is_not_known_is_not_said_to_be() -> None:
    """Futures that go back and forth cannot be bracketed by so few runs each time; then it says so."""
    ones = [found("around a moment", seed, flips=0.2) for seed in range(40)]
    for one in ones:
        shares = {share.at_s: share for share in one.curve}
        low, high = shares[one.low_s], shares[one.high_s]
        assert one.runs <= MOST_RUNS
        assert one.sure == (low.ran == high.ran == FUTURES and low.share < 0.5 <= high.share)


def test_of_a_moment_on_the_way_as_many_are_told_as_are_known() -> None:
    one = found("all the time alike", 0)
    for share in one.curve:
        assert abs(share.share - share.at_s / 10) < 3 * 0.5 / share.futures**0.5
    assert all(share.ran <= share.futures <= FUTURES for share in one.curve)
    assert replace(one.curve[0], futures=60, failing=30).interval() == pytest.approx((0.377, 0.623), abs=0.001)
