"""A challenge starts from a stub that runs and is wrong; grading finds that out, and lets what is right pass."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from windtunnel.faces import FACES
from windtunnel.lab.claims import check, speaks_of
from windtunnel.lab.discovery import every, find
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.grading.challenge import challenge_of, stub, write_stub
from windtunnel.lab.grading.grade import Grade, grade, grade_file, grade_on
from windtunnel.lab.grading.loaded import joined
from windtunnel.lab.grading.player import Bench, Here
from windtunnel.lab.grading.trial import OFFENDING, Case, Trial, judged, offending, play
from windtunnel.lab.params import make, settings

CHALLENGES = [e.id for e in every() if e.demands]
SEARCHED = "primitives"
GRADED = [
    pytest.param(e.id, marks=[pytest.mark.soak] if e.measured or e.id == SEARCHED else []) for e in every() if e.demands
]
"""What is measured here, or searched to the end, is dear: wrong designs of it are graded in each run, stubs in soak."""
FEW_ATTACKS = 4


@pytest.fixture(autouse=True)
def only_quick_trials(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials at full size and by the dozen are for learners who wait, and for soak."""
    if request.node.get_closest_marker("soak") is None:
        few(monkeypatch)


def few(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("windtunnel.lab.grading.grade.FULL_TRIALS", 0)
    patch.setattr("windtunnel.lab.grading.grade.MOST_ATTACKS", FEW_ATTACKS)


@pytest.fixture
def experiment(request: pytest.FixtureRequest) -> Experiment[Any]:
    """The one that the test is asked of by name; the ledger knows its track by that."""
    return find(request.param)


@pytest.fixture
def tickets() -> Experiment[Any]:
    return find("q10-ticketmaster")


def test_every_experiment_is_a_challenge() -> None:
    assert [e.id for e in every()] == CHALLENGES


@pytest.mark.parametrize("experiment", CHALLENGES, indirect=True)
def test_demands_speak_of_yours_and_of_par(experiment: Experiment[Any]) -> None:
    par = list(experiment.designs)[-1]
    for demand in experiment.demands:
        check(demand.expression, ["yours", par])
        assert "yours" in speaks_of(demand.expression)
        assert demand.because


@pytest.mark.parametrize(
    ("demand", "why"),
    [
        (Claim("yours.sold >= row_lock.sold", ""), "it speaks of row_lock; it can speak of yours and of hold_then_pay"),
        (
            Claim("yours.sold >= nobody.sold", ""),
            "it speaks of nobody; it can speak of yours and of hold_then_pay alone",
        ),
        (Claim("hold_then_pay.sold > 0", ""), "it does not speak of yours"),
        (Claim("params.stock > 0", ""), "it does not speak of yours"),
        (Claim("yours.sold >= hold_then_pay.sold", "", always=True), "under attack it can speak of yours alone"),
        (Claim("yours.sold > 0", "", where="stock == 7"), "it is made only where stock == 7, and no trial is played"),
        (Claim("yours.sold > 0", "", given={"stock": 7}, where="stock == 8"), "it is made only where stock == 8"),
    ],
)
def test_a_demand_that_no_trial_would_judge_is_refused(tickets: Experiment[Any], demand: Claim, why: str) -> None:
    odd = replace(tickets, demands=(*tickets.demands, demand), module=tickets.module)
    with pytest.raises(WrongInput, match="would never be judged") as refused:
        grade(odd, tickets.designs["hold_then_pay"], [7001])
    assert why in str(refused.value)
    with pytest.raises(WrongInput, match="would never be judged"):
        stub(odd)


@pytest.mark.parametrize("experiment", CHALLENGES, indirect=True)
def test_the_stub_is_loaded_as_a_design_of_its_challenge(experiment: Experiment[Any], tmp_path: Path) -> None:
    file = write_stub(experiment, tmp_path / "mine.py")
    assert challenge_of(file) is experiment
    assert list(joined(str(file)).designs) == [*experiment.designs, "yours"]


@pytest.mark.parametrize("experiment", GRADED, indirect=True)
def test_the_stub_is_the_naive_design_and_fails(experiment: Experiment[Any], tmp_path: Path) -> None:
    loaded = joined(str(write_stub(experiment, tmp_path / "mine.py")))
    found = grade_on(Bench(loaded, Here(loaded)), [7001], brief=True)
    assert not found.passed
    assert found.failing or experiment.measured  # what a busy machine cannot measure is no failure, and no pass


@pytest.mark.parametrize("experiment", CHALLENGES, indirect=True)
def test_the_stub_is_a_file_as_one_would_write_it(experiment: Experiment[Any]) -> None:
    text = stub(experiment)
    assert max(map(len, text.splitlines())) <= 120
    imports = [node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom)]
    ours = [str(node.module) for node in imports if str(node.module).startswith("windtunnel")]
    assert {module for module in ours if module not in FACES} <= {experiment.module}
    assert ours == sorted(ours)
    assert all([one.name for one in node.names] == sorted(one.name for one in node.names) for node in imports)


def test_the_stub_says_where_the_words_of_its_port_are(tickets: Experiment[Any]) -> None:
    assert "python -m pydoc windtunnel.engines.database.port" in stub(tickets)
    assert "AtLeast" in stub(tickets)


def test_the_best_design_passes(tickets: Experiment[Any]) -> None:
    best = list(tickets.designs.values())[-1]
    assert grade(tickets, best, [7001]).passed


@pytest.mark.soak
@pytest.mark.parametrize("experiment", CHALLENGES, indirect=True)
def test_the_best_design_passes_on_ten_seeds_in_all_that_a_learner_is_tried_with(experiment: Experiment[Any]) -> None:
    best = list(experiment.designs.values())[-1]  # a right one of each is graded among the planted ones, in every run
    assert grade(experiment, best, range(7001, 7011)).passed


@pytest.fixture(scope="module")
def naive() -> tuple[Grade, list[dict[str, Any]]]:
    """The grade of a wrong design, and what was heard on the way to it."""
    heard: list[dict[str, Any]] = []
    tickets = find("q10-ticketmaster")
    with pytest.MonkeyPatch.context() as patch:
        few(patch)
        return grade(tickets, tickets.designs["look_then_write"], [7001], heard.append), heard


def test_what_fails_is_shown_as_the_smallest_case(naive: tuple[Grade, list[dict[str, Any]]]) -> None:
    found, _ = naive
    assert found.failing == "yours.sold_twice == 0"
    assert found.case is not None
    assert found.case.size == 2
    text = found.case.to_dict()["text"]
    assert text.count("buy(") == 2
    assert text.count("ok 24  ✗") == 2  # the same ticket, told to both
    assert set(found.case.offending) == {event.id for event in found.case.history}
    assert OFFENDING in text


def test_what_the_reference_does_better_is_shown_on_the_smallest_such_case() -> None:
    balancing = find("load-balancing")
    found = grade(balancing, balancing.designs["at_random"], [7001])
    assert found.failing == "yours.mean_s < 2 * interpreted.mean_s"
    assert found.case is not None
    assert len(found.case.ops) < 20
    assert found.case.sentence.startswith("yours.mean_s < 2 * interpreted.mean_s fails, ")
    assert found.case.sentence.endswith(": No machine may stand idle beside a long queue.")
    assert found.case.to_dict()["svg"].count("interpreted.mean_s") > 0


def test_only_those_stand_out_whose_outcomes_contradict_what_is_asked(tickets: Experiment[Any]) -> None:
    params = settings(tickets.params, {**tickets.quick, "stock": 1, "buyers": 6})
    trial = Trial(0, params)
    history = play(tickets, "look_then_write", trial)
    case = Case(0, [], [], history, judged(tickets, history, make(tickets.params, params)))
    told = [event.id for event in history if event.value is not None]
    assert 1 < len(told) < len(history)
    found = offending(tickets, "look_then_write", trial, case, lambda mine: mine["told_twice"] >= len(told) - 1)
    assert list(found) == told
    assert offending(tickets, "look_then_write", trial, case, lambda mine: mine["sold"] < 0) == ()
    assert OFFENDING not in case.to_dict()["text"]


def test_a_case_too_large_to_be_looked_at_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("windtunnel.lab.grading.grade.LARGEST_CASE", 1)
    tickets = find("q10-ticketmaster")
    found = grade(tickets, tickets.designs["look_then_write"], [7001])
    assert not found.passed
    assert found.case is None


def test_the_first_failure_is_said_before_the_rest_is_tried(naive: tuple[Grade, list[dict[str, Any]]]) -> None:
    _, heard = naive
    assert heard[0]["failing"] == "yours.sold_twice == 0"
    assert heard[1]["done"] == 1


def test_the_same_design_gets_the_same_grade(
    tickets: Experiment[Any], naive: tuple[Grade, list[dict[str, Any]]]
) -> None:
    before, _ = naive
    assert grade(tickets, tickets.designs["look_then_write"], [7001]).to_dict() == before.to_dict()


def test_a_file_that_is_there_is_not_written_over(tickets: Experiment[Any], tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("precious")
    with pytest.raises(WrongInput, match="is there already"):
        write_stub(tickets, mine)
    assert mine.read_text() == "precious"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "There is no file"),
        ("class Yours: pass", "does not say what it answers"),
        ('challenge = "q10-tiketmaster"', "did you mean q10-ticketmaster"),
        ('challenge = "q10-ticketmaster"\nclass Yours(:', "cannot be read: .* in line 2"),
        ('challenge = "q10-ticketmaster"', "defines no class"),
        ('challenge = "q10-ticketmaster"\nclass A: pass\nclass B: pass', "defines 2 designs"),
        ('challenge = "q10-ticketmaster"\nclass A:\n    def __init__(self, s, p): pass', "has no method buy"),
    ],
)
def test_a_file_that_cannot_be_graded_is_refused_in_one_sentence(
    tmp_path: Path, text: str | None, sentence: str
) -> None:
    file = tmp_path / "mine.py"
    if text is not None:
        file.write_text(text)
    with pytest.raises(WrongInput, match=sentence):
        grade_file(str(file), seeds=1)


def test_an_experiment_without_demands_cannot_be_taken(tickets: Experiment[Any]) -> None:
    with pytest.raises(WrongInput, match="makes no demands"):
        stub(replace(tickets, demands=()))


LONG = [pytest.param(name, marks=pytest.mark.soak) for name in ("conditional_update", "hold_then_pay")]


@pytest.mark.parametrize("name", ["row_lock", *LONG])
def test_no_correct_design_is_blamed_for_what_goes_wrong_around_it(tickets: Experiment[Any], name: str) -> None:
    found = grade(tickets, tickets.designs[name], range(7001, 7009))
    assert found.passed
    assert found.unjudged < found.trials / 4
