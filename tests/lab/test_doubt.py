"""Doubt finds what can be found against an experiment, and nothing against a sound one."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from helpers.doubtful import experiment
from windtunnel.lab.doubt.doubt import doubt
from windtunnel.lab.doubt.judging import exceeds, unexplained
from windtunnel.lab.doubt.mutants import Mutant, apply, decoration, mutants
from windtunnel.lab.doubt.plan import Asked, Plan
from windtunnel.lab.doubt.report import Report, read, save, text_of
from windtunnel.lab.doubt.trials import Outcome, Trial, Worker, perform

FILE = str(Path(__file__).parents[1] / "helpers" / "doubtful.py")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    notes = tmp_path_factory.mktemp("doubt") / "notes.jsonl"
    found = doubt(experiment, Asked(1000, 40, 4, 3), jobs=1, notes=notes)
    again = doubt(experiment, Asked(1000, 40, 4, 3), jobs=1, notes=notes, budget_s=0)
    assert replace(again, taken="", cpu_s=0) == replace(found, taken="", cpu_s=0), "all of it was noted"
    return found


def told(report: Report, kind: str) -> str:
    return "\n".join(finding.text for finding in report.findings if finding.kind == kind)


def test_a_claim_that_held_by_luck_fails_on_fresh_seeds(report: Report) -> None:
    assert "forgets.lucky > 0.2 fails on" in told(report, "seeds")
    assert "total" not in told(report, "seeds")


def test_settings_that_crash_and_claims_that_fail_there_are_found(report: Report) -> None:
    assert "size=13: " in told(report, "setting")
    assert "KeyError: 13" in told(report, "setting")
    assert "counts.total == params.size fails in" in told(report, "setting")
    assert "step=2" in told(report, "setting")


def test_a_claim_that_is_hardly_claimed_is_told(report: Report) -> None:
    assert "counts.total == 4 is claimed in" in told(report, "claimed")


def test_what_no_claim_notices_is_a_finding_and_what_has_an_excuse_is_not(report: Report) -> None:
    alive = told(report, "mutant")
    assert "'return thing + 1' left out" in alive
    assert "'thing + 1' times 3" in alive
    assert "forgets in the place of shows" in alive
    assert "counts in the place of shows" not in alive, "it does the same"
    assert "self.total += self.step" not in alive
    assert report.mutants["excused"] == 0, "the line that has an excuse changes nothing anyway"
    assert report.mutants["alive"] == len(alive.splitlines())
    assert sum(v for k, v in report.mutants.items() if k != "all") == report.mutants["all"]


def test_a_design_that_no_claim_names_is_decoration(report: Report) -> None:
    assert told(report, "decoration") == "No claim names the design shows."
    assert decoration(experiment) == ["shows"]


def test_the_report_is_a_page_and_a_line_that_comes_back(report: Report, tmp_path: Path) -> None:
    page = text_of(report)
    assert len(page.splitlines()) < 60
    assert "fresh seeds from 1000 on" in page
    save(report, tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text()) == json.loads(json.dumps(asdict(report)))
    assert read(tmp_path / "r.json") == replace(report, findings=list(report.findings))
    assert read(tmp_path / "none.json") is None


def test_a_worker_that_takes_too_long_or_dies_takes_one_trial_with_it() -> None:
    worker = Worker()
    try:
        trial = Trial(experiment.module)
        assert worker.ask(trial, 0.0).wrong == ("time", "It took more than 0 s of CPU.")
        assert worker.ask(trial, 60.0).wrong is None
        assert worker._process is not None
        worker._process.kill()
        assert (worker.ask(trial, 60.0).wrong or ("",))[0] == "crash"
        assert worker.ask(trial, 60.0).wrong is None
    finally:
        worker.close()


def test_an_experiment_in_a_file_of_its_own_is_doubted_too() -> None:
    assert perform(Trial("doubtful", FILE, seeds=[0])).wrong is None


def test_every_statement_of_the_designs_is_left_out_once_and_the_rest_stays() -> None:
    all_of_them = mutants(experiment)
    assert [m.what for m in all_of_them if m.by] == [
        "counts in the place of forgets",
        "forgets in the place of counts",
        "shows in the place of counts",
        "counts in the place of shows",
        "forgets in the place of shows",
    ]
    places = [m for m in all_of_them if not m.by]
    assert [m.what.split(", ", 2)[2] for m in places if "left out" in m.what] == [
        "'self.total = 0.0' left out",
        "'self.step = p.step' left out",
        "\"self.luck = stage.random('luck')\" left out",
        "'return thing' left out",
        "\"return {'total': self.total, 'lucky': self.luck.random()}\" left out",
        "'total' left out of \"{'total': self.total, 'lucky': self.luck.random()}\"",
        "'lucky' left out of \"{'total': self.total, 'lucky': self.luck.random()}\"",
        "'self.total += self.step' left out",
        "'self.last = thing' left out",
        "'return thing + 1' left out",
    ]
    assert [m.excuse for m in places if m.excuse] == ["what came last is shown nowhere"]
    for mutant in places:
        changed, bearing = apply(experiment, mutant)
        assert changed.id == experiment.id
        assert changed.designs.keys() == experiment.designs.keys()
        assert bearing == ({"counts", "shows"} if "in Counts" in mutant.what else set(experiment.designs))
    swapped, bearing = apply(experiment, Mutant("", "counts", "forgets"))
    assert swapped.designs["counts"] is experiment.designs["forgets"]
    assert bearing == {"counts"}


def test_settings_are_ends_what_is_beside_them_ends_together_and_random_ones_within() -> None:
    plan = Plan(experiment, Asked(5, random_settings=20))
    assert [given for given, _ in plan.ends] == [{"size": 1}, {"size": 13}, {"step": 2.0}]
    further = [given for given, _ in plan.further_settings([])]
    assert [one for one in further if len(one) == 1] == [{"size": n} for n in range(2, 13)]
    together = [one for one in further if len(one) == 2]
    for size in (1, 13):
        for step in (1.0, 2.0):
            assert {"size": size, "step": step} in together
    assert all(1 <= one["size"] <= 13 and 1 <= one["step"] <= 2 for one in together)
    assert further == [given for given, _ in plan.further_settings([])]
    smaller = [given for given, _ in plan.further_settings([{"size": 13}])]
    assert all(one.get("size", 1) < 13 for one in smaller), "an end at which nothing comes to an end is not met again"


def test_a_few_failures_may_be_chance() -> None:
    assert exceeds(200, 0, 0.001) == 1.0
    assert exceeds(200, 1, 0.001) == pytest.approx(1 - 0.999**200)
    assert exceeds(15, 1, 0.05) > 0.5
    assert exceeds(200, 4, 0.001) < 1e-4
    assert exceeds(3, 3, 0.5) == pytest.approx(0.125)
    assert exceeds(10_000, 5_000, 0.05) == 0.0, "which no integer of Python's would leave room for"


def test_a_measurement_is_no_number_with_reason_where_a_request_was_never_answered() -> None:
    outcome = Outcome(None, not_numbers=["a.latency_mean_ms", "a.mean_s", "b.mean_s", "b.latency_p999_ms"])
    assert unexplained(outcome) == ["b.mean_s"]


def test_an_outcome_without_a_result_says_why() -> None:
    assert perform(Trial("no.such.module")).wrong is not None
    assert isinstance(perform(Trial(experiment.module, params={"size": 99})), Outcome)
    assert (perform(Trial(experiment.module, params={"size": 99})).wrong or ("",))[0] == "refused"
