"""Every experiment is doubted: on a fresh seed and by what can be reckoned here, in full in soak.

Where a full doubt of the text as it stands is committed and found nothing, two hundred seeds have been looked at in all
settings: here one more is looked at, in those in which the naive design breaks.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from windtunnel.lab.cards import doubted
from windtunnel.lab.claims import speaks_of
from windtunnel.lab.discovery import load, modules
from windtunnel.lab.doubt.crew import Outcomes
from windtunnel.lab.doubt.doubt import doubt
from windtunnel.lab.doubt.judging import Judge
from windtunnel.lab.doubt.mutants import decoration
from windtunnel.lab.doubt.plan import Asked, Plan
from windtunnel.lab.doubt.report import text_of
from windtunnel.lab.doubt.trials import perform
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.notes import key_of
from windtunnel.lab.run import run

NAMES = list(modules())
FRESH = 8_640_213
"""A seed that nobody tuned an experiment with; `windtunnel doubt` draws its own from the operating system."""


SEARCHED = "primitives"
"""Searches all states whatever the seed, as test_every_experiment does in another process; its fresh seed is soak's."""
LOOKED_AT = [pytest.param(name, marks=[pytest.mark.soak] if name == SEARCHED else []) for name in NAMES]


@pytest.mark.parametrize("name", LOOKED_AT)
def test_its_claims_hold_on_a_fresh_seed_and_are_claimed_where_people_look(name: str) -> None:
    experiment = load(modules()[name])
    plan = Plan(experiment, Asked(FRESH, 0, 0))
    judge = Judge(plan, Outcomes(), [])
    if doubted(name) == "ok" and not experiment.measured:
        the_naive_design_breaks(experiment)
    elif not experiment.measured:  # a seed more is a run more, and there is one in test_every_experiment
        judge = all_holds(plan)
    reckoned(plan, judge)


def all_holds(plan: Plan) -> Judge:
    """On the fresh seed: all that is claimed; and who judges it with the settings that a doubt would try."""
    done = Outcomes()
    done.note(key_of(plan.look), perform(plan.look))
    outcome = done.get(plan.look)
    assert outcome is not None
    assert outcome.wrong is None
    assert [
        claim.expression
        for claim, (verdict, _) in zip(plan.experiment.claims, outcome.claims, strict=True)
        if verdict == "fails"
    ] == []
    return Judge(plan, done, plan.further_settings([]))


def reckoned(plan: Plan, judge: Judge) -> None:
    """What can be said against it without a further run."""
    experiment = plan.experiment
    assert [finding.text for finding in judge.settings()] == []
    assert decoration(experiment) == []
    assert len(plan.those) > len(experiment.designs), "each design can be left out, and something in it"


def the_naive_design_breaks(experiment: Experiment[Any]) -> None:
    """On the fresh seed: where it is claimed."""
    claims = tuple(claim for claim in experiment.claims if claim.breaks)
    bare = replace(experiment, claims=claims, why=(), figures=(), charts=(), asks=(), module=experiment.module)
    named = {name for claim in claims for name in speaks_of(claim.expression)}
    found = run(bare, quick=True, seeds=[FRESH], designs=[one for one in bare.designs if one in named], jobs=1)
    assert claims
    assert [claim.expression for claim in found.claims if claim.verdict == "fails"] == []


def test_what_is_searched_is_claimed_where_people_look() -> None:
    plan = Plan(load(modules()[SEARCHED]), Asked(FRESH, 0, 0))
    reckoned(plan, Judge(plan, Outcomes(), []))


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
def test_it_is_not_refuted(name: str, tmp_path: Path) -> None:
    report = doubt(load(modules()[name]), Asked(secrets.randbelow(2**40) + 10_000), notes=tmp_path / "notes.jsonl")
    print(text_of(report))
    assert report.complete
    assert [finding.text for finding in report.findings] == []
