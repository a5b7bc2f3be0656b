"""Lost update: the law that is fitted, the cores that are modelled, and the same on real threads."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from windtunnel.catalogue.concurrency.lost_update import experiment
from windtunnel.catalogue.concurrency.lost_update.judging import law
from windtunnel.lab.run import run
from windtunnel.sim.closed_forms import scalability


@given(st.floats(0, 0.9), st.floats(0, 0.05), st.integers(2, 7))
def test_points_of_the_law_give_its_alpha_and_beta_back(alpha: float, beta: float, doublings: int) -> None:
    points = [(n, scalability(n, alpha=alpha, beta=beta)) for n in (1 << i for i in range(doublings + 1))]
    found = law(points)
    assert found == pytest.approx((alpha, beta), abs=1e-9)


def test_the_law_has_its_peak_where_gunther_says() -> None:
    alpha, beta = law([(n, scalability(n, alpha=0.02, beta=0.0005)) for n in (1, 2, 4, 8, 16)])
    assert ((1 - alpha) / beta) ** 0.5 == pytest.approx(44.3, abs=0.05)
    assert scalability(44, alpha=alpha, beta=beta) == pytest.approx(15.7, abs=0.05)
    assert scalability(128, alpha=alpha, beta=beta) == pytest.approx(11.0, abs=0.05)


def test_what_two_points_cannot_tell_apart_is_called_turns() -> None:
    assert law([(1, 1.0), (2, 1.6)]) == pytest.approx((0.25, 0.0))


def test_real_threads_of_this_python_keep_to_what_is_claimed_of_them() -> None:
    found = run(experiment, stage="machine", quick=True, seeds=[0], jobs=1)
    judged = {claim.expression: claim.verdict for claim in found.claims if claim.verdict != "skipped"}
    assert len(judged) >= 8
    assert set(judged.values()) == {"holds"}, judged
