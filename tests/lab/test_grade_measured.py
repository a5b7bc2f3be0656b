"""What is measured on this machine is graded on it: as often as it takes, and without a verdict where it cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import nan
from typing import Any

import pytest

from windtunnel import Claim, Experiment, History, Stage, WrongInput, find, param
from windtunnel.engines.shared.child import as_text
from windtunnel.lab.doubt.mutants import apply, mutants
from windtunnel.lab.grading.grade import TRIES, Grade, grade
from windtunnel.statistics import not_measurable
from windtunnel.workload import batches


@dataclass(frozen=True)
class Params:
    rounds: int = param(1, "rounds", 1)


class Counts:
    """Counts its rounds."""

    def __init__(self, stage: Stage, params: Params) -> None:
        assert stage.name == "machine"
        self.seen = 0

    def round(self, number: int) -> None:
        self.seen += 1

    def report(self) -> Mapping[str, object]:
        return {"seen": self.seen}


class Forgets(Counts):
    """Counts nothing."""

    def round(self, number: int) -> None:
        pass


disturbed: Iterator[bool] = iter(())


def measure(history: History, params: Params) -> Mapping[str, float]:
    if next(disturbed, False):
        return {"seen": not_measurable("a bell rang")}
    return {"seen": history.facts["seen"]}


experiment: Experiment[Any] = Experiment(
    title="Real",
    question="How many rounds are counted?",
    params=Params,
    workload=lambda params, luck: batches("round", range(params.rounds)),
    designs={"counts": Counts},
    claims=(),
    measure=measure,
    stages=("machine",),
    demands=(Claim("yours.seen == params.rounds", "All are counted."),),
)


@pytest.fixture(autouse=True)
def quick_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("windtunnel.lab.grading.grade.FULL_TRIALS", 0)


def disturb(monkeypatch: pytest.MonkeyPatch, *moments: bool) -> None:
    monkeypatch.setattr(f"{__name__}.disturbed", iter(moments))


def test_a_design_is_run_on_the_machine_and_held_to_the_demands() -> None:
    assert grade(experiment, Counts, [1, 2]).passed
    wrong = grade(experiment, Forgets, [1, 2])
    assert wrong.why == "yours.seen == params.rounds fails, 0 == 1: All are counted."
    assert wrong.case is None


def test_what_was_not_measurable_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each trial measures the design, and the first that is played the reference beside it.
    disturb(monkeypatch, True, False, True, False)
    found = grade(experiment, Counts, [1])
    assert found.passed
    assert found.demands[0].trials == 1


def test_what_is_never_measurable_is_no_pass_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    disturb(monkeypatch, *[True] * (2 * TRIES))
    found = grade(experiment, Counts, [1])
    assert not found.passed
    assert found.failing == ""
    assert found.demands[0].trials == 0
    assert "not measurable here, because a bell rang: that is no pass, and no failure" in found.why


def beside_the_reference(monkeypatch: pytest.MonkeyPatch, *shares: float) -> Grade:
    """A grade in which yours and the reference in turns come to these shares."""
    left = iter(shares)
    monkeypatch.setattr(f"{__name__}.measure", lambda history, params: {"seen": 1, "share": next(left)})
    demands = (Claim("yours.share > 0.6 * counts.share", "About as many."), *experiment.demands)
    changed = replace(experiment, measure=lambda h, p: measure(h, p), demands=demands, module=experiment.module)
    return grade(changed, Counts, [1])


def test_a_share_of_the_reference_fails_where_it_does_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    once = beside_the_reference(monkeypatch, 0.5, 1.0, 0.7, 1.0)
    assert once.passed
    assert [one.trials for one in once.demands] == [1, 1], "what was met the first time is not asked again"
    never = beside_the_reference(monkeypatch, *[0.5, 1.0] * TRIES)
    assert never.failing == "yours.share > 0.6 * counts.share"
    assert never.demands[0].trials == 1


def test_a_number_that_is_none_without_a_reason_is_a_failure() -> None:
    odd = replace(experiment, measure=lambda history, params: {"seen": nan}, module=experiment.module)
    assert grade(odd, Counts, [1]).failing


def test_a_mutant_of_a_design_that_runs_in_another_process_goes_there_as_its_text() -> None:
    whole = find("threads-or-processes")
    own = [m for m in mutants(whole) if "thread.join()" in m.what]
    assert own
    changed, designs = apply(whole, own[0])
    assert "threads" in designs
    texts = [as_text(one.designs["threads"](None, None)) for one in (whole, changed)]  # type: ignore[arg-type]
    assert texts[0]["text"].count("thread.join()") == texts[1]["text"].count("thread.join()") + 1


def test_it_needs_a_unix_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.fork")
    for name in ("threads-or-processes", "gil-convoy"):
        whole = find(name)
        assert whole.rig is not None
        with pytest.raises(WrongInput, match="This is no Unix"):
            whole.rig(None, None, None)  # type: ignore[arg-type]


def test_a_change_of_a_design_that_has_no_function_of_its_own_reaches_its_process() -> None:
    experiment = find("event-loop")
    change = next(one for one in mutants(experiment) if "by_threads = True" in one.what)
    changed, reached = apply(experiment, change)
    assert reached == {"threads"}
    assert "by_threads = True" in as_text(experiment.designs["threads"]())["text"]
    assert "by_threads = True" not in as_text(changed.designs["threads"]())["text"]
