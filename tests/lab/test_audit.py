"""The audit shows what is committed of each experiment, what is wrong about it in words, and hides nothing unknown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.toy_shop import experiment
from windtunnel.lab import audit as module
from windtunnel.lab.audit import Audited, audit, table
from windtunnel.lab.doubt.changed import source_of
from windtunnel.lab.doubt.report import Finding, Report, save
from windtunnel.lab.doubt.source import digest_of

GOOD = Report(
    experiment.id,
    digest_of(source_of(experiment)),
    "",
    "2026-11-28T00:00:00+00:00",
    1000,
    200,
    40,
    (90, 90),
    [],
    {},
    {"all": 12, "killed": 11, "alike": 1, "excused": 0, "alive": 0},
    {"R": {"reproduced": 2, "unknown": 1}, "D": {"reproduced": 1}},
    100.0,
    3.5,
    90.0,
)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one experiment: well doubted, its planted designs judged, run on every engine."""
    monkeypatch.setattr(
        module, "every", lambda: [replace(experiment, stages=("sim", "postgres"), module=experiment.module)]
    )
    monkeypatch.setattr(module, "root", lambda: tmp_path)
    monkeypatch.setattr(module, "committed", lambda name: tmp_path / "results" / "doubt" / f"{name}.json")
    for folder in ("doubt", "live", "planted"):
        (tmp_path / "results" / folder).mkdir(parents=True)
    planted = tmp_path / "tests" / "planted" / experiment.id.replace("-", "_")
    planted.mkdir(parents=True)
    for name in ("wrong_one", "right_one"):
        (planted / f"{name}.py").write_text("")
    said = [{"design": name, "as_it_should": True} for name in ("wrong_one", "right_one")]
    (tmp_path / "results" / "planted" / f"{experiment.id}.json").write_text(json.dumps({"designs": said}))
    run = json.dumps({"provenance": {"taken": "2026-11-27T10:00:00+00:00"}})
    (tmp_path / "results" / "live" / f"{experiment.id}-postgres.json").write_text(run)
    save(GOOD, tmp_path / "results" / "doubt" / f"{experiment.id}.json")
    return tmp_path


def only() -> Audited:
    (row,) = audit()
    return row


def test_what_is_well_is_green_and_says_what_is_still_open(checkout: Path) -> None:
    row = only()
    assert not row.red
    assert row.doubt == "ok"
    assert (row.alive, row.mutants, row.judged, row.planted) == (0, 12, 2, 2)
    assert row.engines == {"postgres": "2026-11-27"}
    assert list(row.figures) == ["D", "R"]
    assert row.open == ["1 of its figures is unknown: more seeds or longer runs decide."]
    text = table([row])
    assert "0/12   2/2      3.5    ✔ ok" in text
    assert "figures R: 2 reproduced, 1 unknown" in text
    assert "postgres: 2026-11-27" in text
    assert "? 1 of its figures is unknown" in text


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"source": "another"}, "It has changed since it was doubted."),
        ({"tried": (10, 90)}, "Its doubt ended early: 10 of 90 trials."),
        ({"findings": [Finding("mutant", "a"), Finding("mutant", "b")]}, "Doubt found 2 of kind 'mutant'."),
        ({"figures": {"R": {"missed": 1}}}, "1 of its figures is missed."),
        ({"mutants": {}}, "No mutant of it was tried."),
    ],
)
def test_what_is_wrong_in_a_report_is_said(checkout: Path, change: dict[str, object], why: str) -> None:
    save(replace(GOOD, **change), checkout / "results" / "doubt" / f"{experiment.id}.json")  # type: ignore[arg-type]
    row = only()
    assert row.red
    assert row.why == [why]
    assert f"✗ {why}" in table([row])


def test_what_nobody_has_measured_is_red_and_shown_as_such(checkout: Path) -> None:
    for path in (checkout / "results").rglob("*.json"):
        path.unlink()
    row = only()
    assert [reason.partition(":")[0] for reason in row.why] == [
        "It was never doubted",
        "No verdicts on its 2 planted designs are committed",
        "No run on postgres is committed in results/live.",
    ]
    assert table([row]).splitlines()[1].split() == [experiment.id, "2", "4", *"·····", "·/2", "·", "✗", "none"]
    assert "postgres: no run is committed" in table([row])


def test_a_planted_design_without_a_verdict_or_with_a_wrong_one_is_red(checkout: Path) -> None:
    (checkout / "tests" / "planted" / experiment.id.replace("-", "_") / "wrong_two.py").write_text("")
    assert only().judged == -1
    said = [{"design": name, "as_it_should": name != "wrong_two"} for name in ("right_one", "wrong_one", "wrong_two")]
    (checkout / "results" / "planted" / f"{experiment.id}.json").write_text(json.dumps({"designs": said}))
    assert only().why == ["1 of its 3 planted designs are judged wrongly."]
