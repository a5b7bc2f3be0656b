"""A trigger of 0.32 s: whether all is lost before it is over."""

from __future__ import annotations

import pytest

from windtunnel.lab.causes import case_of
from windtunnel.lab.discovery import find
from windtunnel.lab.no_return import FUTURES
from windtunnel.sim.randomness import derive

FAILURE = find("metastable-failure")
TRIGGER_S = 0.32
ENDS_S = 10.0 + TRIGGER_S


@pytest.mark.soak
@pytest.mark.parametrize("seed", [5, 8, 14])
def test_before_a_trigger_is_over_no_luck_saves_who_fails(seed: int) -> None:
    claim = next(one for one in FAILURE.claims if one.breaks == "three_retries")
    case = case_of(FAILURE, "three_retries", seed, claim, params={"trigger_s": TRIGGER_S})

    def failing(at_s: float) -> int:
        futures = [case.job(turn_s=at_s, turn_seed=derive(seed, "future", i)) for i in range(FUTURES)]
        return sum(case.fail(case.measure(futures)))

    assert failing(0.0) < FUTURES / 2, "before it began most would have come through"
    assert failing(ENDS_S - 0.001) == FUTURES
