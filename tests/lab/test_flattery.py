"""Ways in which a measurement flatters, each caught: the unanswered, too few samples, too few seeds, lucky figures."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import cycle
from random import Random

import pytest
from hypothesis import given, strategies as st

from helpers.toy_shop import LookThenWrite, Params, experiment
from windtunnel.lab.claims import truth
from windtunnel.lab.experiment import Claim, Experiment, Figure
from windtunnel.lab.grading.grade import grade
from windtunnel.lab.history import Event, History, Outcome
from windtunnel.lab.judge import judge_claims, judge_figures
from windtunnel.lab.measures import EXPLAINED, standard, why_unknown
from windtunnel.lab.result import Run
from windtunnel.lab.run import run
from windtunnel.lab.statistics import MOVED, latency_mean, latency_percentiles, percentiles
from windtunnel.sim.kernel import process


def events(*spans: tuple[int, float, Outcome]) -> History:
    """So many requests that ended after so many seconds with this outcome."""
    return History(
        Event("a", "get", (), 0.0, wait_s, outcome, None, 0.0) for count, wait_s, outcome in spans for _ in range(count)
    )


# --- the unanswered ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("outcome", ["fail", "unknown"])
def test_a_service_that_answers_a_third_has_no_p99(outcome: Outcome) -> None:
    dead, slow = standard(events((400, 0.03, "ok"), (800, 1.0, outcome))), standard(events((1200, 0.35, "ok")))
    assert math.isnan(dead["latency_p99_ms"])
    assert slow["latency_p99_ms"] == pytest.approx(350)
    assert dead["answered_share"] == pytest.approx(1 / 3)
    assert truth("dead.latency_p99_ms < slow.latency_p99_ms", {"dead": dead, "slow": slow}) is None


def test_who_waited_longer_than_the_median_does_not_move_it() -> None:
    found = standard(events((900, 0.03, "ok"), (100, 1.0, "unknown")))
    assert found["latency_p50_ms"] == pytest.approx(30)
    assert math.isnan(found["latency_p99_ms"])


def test_who_is_turned_away_at_once_may_move_any_percentile() -> None:
    """A server that fails fast must not look fast."""
    half = standard(History([*events((500, 0.0, "fail")), *events(*((1, 0.01 * i, "ok") for i in range(1, 501)))]))
    assert math.isnan(half["latency_p50_ms"])


def test_means_and_maxima_are_unknown_as_soon_as_one_was_not_answered() -> None:
    found = standard(events((1999, 0.03, "ok"), (1, 0.5, "unknown")))
    assert math.isnan(found["latency_mean_ms"])
    assert math.isnan(found["latency_max_ms"])
    assert found["latency_p99_ms"] == pytest.approx(30)
    assert math.isnan(latency_mean(events((1, 0.1, "ok"), (1, 0.1, "fail"))))


def outcomes(most: int) -> st.SearchStrategy[list[tuple[float, bool]]]:
    return st.lists(st.tuples(st.floats(0.001, 10), st.booleans()), min_size=100, max_size=most)


longer = st.floats(0, 1e6)


def assert_stands(found: list[tuple[float, bool]], more: Iterable[float]) -> None:
    """What is told of answers is right too if the unanswered took so much longer."""
    history = [Event("a", "get", (), 0.0, wait, "ok" if ok else "unknown", None, 0.0) for wait, ok in found]
    told = latency_percentiles(history, (50, 90, 99))
    truly = percentiles(
        [wait if ok else wait + one for (wait, ok), one in zip(found, more, strict=False)], (50, 90, 99)
    )
    for ours, theirs in zip(told, truly, strict=True):
        assert math.isnan(ours) or ours * (1 - MOVED) - 1e-9 <= theirs <= ours + 1e-9


@given(outcomes(120), st.lists(longer, min_size=1, max_size=12))
def test_whatever_the_unanswered_would_have_waited_the_percentile_stands(
    found: list[tuple[float, bool]], more: list[float]
) -> None:
    assert_stands(found, cycle(more))


@pytest.mark.soak
@given(outcomes(300), st.lists(longer, min_size=300, max_size=300))
def test_whatever_each_of_many_unanswered_would_have_waited_the_percentile_stands(
    found: list[tuple[float, bool]], more: list[float]
) -> None:
    assert_stands(found, more)


def test_the_table_says_why_there_is_no_number() -> None:
    dead, few, none = (standard(events(*spans)) for spans in ([(500, 1.0, "fail")], [(20, 1.0, "ok")], []))
    assert why_unknown("latency_p99_ms", dead) == "requests that were never answered could move it"
    assert why_unknown("latency_p99_ms", few) == "there are too few requests for it"
    assert why_unknown("latency_p99_ms", none) == "there were no requests"
    assert all("not answered" in EXPLAINED[name] for name in EXPLAINED if name.startswith("latency"))


def test_a_design_that_answers_hardly_anybody_does_not_pass_by_its_latency() -> None:
    class Picky(LookThenWrite):
        """Answers one in three; the others time out."""

        @process
        async def buy(self) -> str:
            if self.luck.random() < 0.67:
                await self.sim.sleep(1.0)
                raise TimeoutError
            return "ticket"

    demand = Claim("yours.latency_p99_ms < 100", "nobody waits for long")
    harsh = replace(experiment, demands=(demand,), quick={"buyers": 200})
    assert not grade(harsh, Picky, [1]).passed


# --- too few samples ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "least"), [("latency_p99_ms", 100), ("latency_p999_ms", 1000)])
def test_a_percentile_of_too_few_requests_is_not_shown(name: str, least: int) -> None:
    assert math.isnan(standard(events((least - 1, 0.1, "ok")))[name])
    assert standard(events((least, 0.1, "ok")))[name] == pytest.approx(100)


# --- too few seeds, lucky figures --------------------------------------------------------------------------------
def runs(values: list[float], design: str = "naive") -> list[Run]:
    return [Run(design, seed, 0, {"x": value}, "") for seed, value in enumerate(values)]


def figure_of(values: list[float], source: float, tolerance: float) -> str:
    figure = Figure("a number", source, "naive.x", tolerance, "V", "none")
    one = replace(experiment, figures=(figure,))
    return judge_figures(one, "sim", ["naive"], runs(values), [0], [{}], usual=True)[0].verdict


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([11.9, 12.1, 12.0, 11.8, 12.2], "reproduced"),
        ([5.0, 19.0, 12.0, 11.0, 13.0], "unknown"),  # its mean is the source's, and the next seeds' would not be
        ([12.9, 13.4, 13.1, 13.6, 13.0], "unknown"),
        ([19.0, 19.2, 18.9, 19.1, 19.0], "missed"),
        ([12.0], "unknown"),
        ([12.0] * 5, "unknown"),
        ([12.0] * 6, "reproduced"),
        ([math.nan, 12.0], "unknown"),
    ],
)
def test_a_figure_is_reproduced_only_where_its_whole_interval_lies_within(values: list[float], verdict: str) -> None:
    assert figure_of(values, 12.0, 0.1) == verdict


def test_a_tick_is_no_luck_of_seeds() -> None:
    """A mean near the source from samples that scatter far: other seeds would have turned the tick."""
    luck = Random(3)
    ticks = sum(figure_of([luck.gauss(12, 6) for _ in range(5)], 12.0, 0.25) == "reproduced" for _ in range(200))
    assert ticks < 10


def test_a_rare_event_that_three_seeds_did_not_see_is_not_ruled_out() -> None:
    claim = Claim("naive.x < other.x", "it happens more often there", over="mean")
    one = replace(experiment, claims=(claim,), designs={"naive": LookThenWrite, "other": LookThenWrite})
    found = judge_claims(one, "sim", ["naive", "other"], [*runs([0.0] * 3), *runs([0.0] * 3, "other")], [0], [{}])
    assert found[0].verdict == "unknown"
    assert "no certainty" in found[0].note


# --- where a claim is made ---------------------------------------------------------------------------------------
def only_where(where: str) -> Experiment[Params]:
    return replace(
        experiment, claims=(Claim("naive.oversold > 0", "two see the last ticket", where=where),), figures=(), why=()
    )


def test_outside_of_its_region_a_claim_is_neither_judged_nor_counted() -> None:
    here = run(only_where("stock > 5"), jobs=1, buyers=60)
    assert [c.verdict for c in here.claims] == ["holds"]
    there = run(only_where("stock > 5"), jobs=1, stock=0)
    assert [c.verdict for c in there.claims] == ["not claimed"]
    assert (there.verdict, there.exit_status, there.ok) == ("not claimed", 0, True)
    assert there.claims[0].note == "not claimed here, only where stock > 5"
    assert '"where": "stock > 5"' in there.to_json()


def test_what_is_not_claimed_runs_in_no_other_setting() -> None:
    claim = Claim("naive.oversold == 0", "a queue of one", given={"rate": 0.1}, where="buyers < 10")
    assert len(run(replace(experiment, claims=(claim,), figures=(), why=()), seeds=1, jobs=1).settings) == 2
    found = run(replace(experiment, claims=(claim,), figures=(), why=()), seeds=1, jobs=1)
    assert {r.setting for r in found.runs} == {0}


def test_a_demand_is_made_where_it_says() -> None:
    demands = (
        Claim("yours.sold == params.stock", "all are sold", where="buyers >= 100"),
        Claim("yours.sold > -1", "something is counted"),
    )

    class Yours(LookThenWrite):
        """Sells nothing."""

        def buy(self) -> None:  # type: ignore[override]
            self.sold += 0

        def report(self) -> dict[str, int]:
            return {"sold": 0}

    found = grade(replace(experiment, demands=demands, quick={"buyers": 50}), Yours, [1])
    assert [d.trials for d in found.demands] == [1, 2]
