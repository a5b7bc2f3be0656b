"""Doubt finds what people found wrong in the first six experiments, and nobody tells it where to look.

They are kept as they were. Here those trials of each plan are performed that find something, in soak all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from windtunnel.lab.discovery import find
from windtunnel.lab.doubt.crew import Outcomes
from windtunnel.lab.doubt.doubt import doubt
from windtunnel.lab.doubt.judging import Judge
from windtunnel.lab.doubt.mutants import Mutant, decoration
from windtunnel.lab.doubt.plan import Asked, Given, Plan
from windtunnel.lab.doubt.report import Report, text_of
from windtunnel.lab.doubt.trials import Trial, perform
from windtunnel.lab.notes import key_of

FOLDER = Path(__file__).parent / "doubted"


def plan_of(name: str) -> Plan:
    file = str(FOLDER / f"{name}.py")
    return Plan(find(file), Asked(7000, seeds=0, full_seeds=0, random_settings=0), file)


def performed(
    plan: Plan,
    setting: Callable[[Given], bool] = lambda given: False,
    mutant: Callable[[Mutant], bool] = lambda mutant: False,
) -> str:
    """What is found where only some settings and mutants of the plan are tried."""
    done = Outcomes()

    def perform_all(trials: Iterable[Trial]) -> None:
        for trial in trials:
            done.note(key_of(trial), perform(trial))

    further = plan.further_settings([])
    perform_all(trial for given, trial in (*plan.ends, *further) if setting(given))
    plan.those = [one for one in plan.those if mutant(one)]
    judge = Judge(plan, done, further)
    if plan.those:
        perform_all([plan.look, *map(plan.look_at, plan.those)])
        alive, alike = judge.survivors()
        perform_all([plan.original, *map(plan.in_full, alive)])
        perform_all(plan.elsewhere(one, judge.elsewhere) for one in alike)
    return "\n".join(finding.text for finding in (*judge.settings(), *(judge.mutants() if plan.those else ())))


def test_a_capacity_that_a_division_does_not_find_again_is_met_beside_the_end_of_its_range() -> None:
    told = performed(plan_of("metastable_map"), lambda given: given == {"capacity": 12.0})
    assert "capacity=12.0: " in told
    assert "KeyError: 0.7" in told


def test_no_request_at_all_is_met_where_all_parameters_are_low() -> None:
    plan = plan_of("metastable_failure")
    told = performed(
        plan, lambda given: given.get("load") == 0.01 and given.get("capacity") == 1 and given["retries"] == 0
    )
    assert "ZeroDivisionError" in told
    assert "load=0.01, capacity=1.0" in told
    assert "run_s=20.0" in told


def test_a_fence_that_nothing_reaches_is_told_with_the_setting_that_would_reach_it() -> None:
    fence = "'until' left out of \"{'id': ticket, 'buyer': buyer, 'state': 'held', 'until': AtLeast(self._now())}\""
    told = performed(
        plan_of("q10_ticketmaster"), lambda given: given.keys() == {"hold_s"}, lambda one: fence in one.what
    )
    assert f"Nothing tests this: line 180, in HoldThenPay, {fence}, changes nothing but with hold_s=0.001." in told


def test_the_cost_of_agreement_may_triple_and_no_claim_notices() -> None:
    told = performed(
        plan_of("up_or_out"),
        mutant=lambda one: "in Coordinated" in one.what and one.what.endswith("(p.nodes - 1)' times 3"),
    )
    assert "No claim notices: line 100, in Coordinated, '1 + p.alpha * (p.nodes - 1) + p.beta" in told


def test_a_design_that_no_claim_names_is_told() -> None:
    assert decoration(find(str(FOLDER / "load_balancing.py"))) == ["peak_ewma"]


def found(name: str, asked: Asked, tmp_path: Path) -> Report:
    file = str(FOLDER / f"{name}.py")
    report = doubt(find(file), asked, file=file, notes=tmp_path / f"{name}.jsonl")
    print(text_of(report))
    assert report.complete
    return report


def told(report: Report, kind: str) -> str:
    return "\n".join(finding.text for finding in report.findings if finding.kind == kind)


@pytest.mark.soak
def test_what_holds_by_the_luck_of_a_seed_is_told(tmp_path: Path) -> None:
    report = found("load_balancing", Asked(4242, 200, 20, 0, statements=False), tmp_path)
    assert "two_choices.mean_s < at_random.mean_s fails on" in told(report, "seeds")
    assert "reproduced" in told(report, "figure")
    assert told(report, "decoration") == "No claim names the design peak_ewma."


@pytest.mark.soak
def test_the_whole_doubt_finds_the_rest(tmp_path: Path) -> None:
    settings, changes = Asked(7000, 0, 0, 4, statements=False), Asked(7000, 0, 0, 4)
    assert "KeyError: 0.7" in told(found("metastable_map", settings, tmp_path), "setting")
    assert "ZeroDivisionError" in told(found("metastable_failure", settings, tmp_path), "setting")
    assert "'1 + p.alpha" in told(found("up_or_out", changes, tmp_path), "mutant")
    assert "'until': AtLeast(self._now())" in told(found("q10_ticketmaster", changes, tmp_path), "untested")
