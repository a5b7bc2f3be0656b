"""An interview: what is asked, what is said to an answer, and how it goes on where it was broken off."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, strategies as st

from windtunnel import Ask, Board, Claim, Clarify, Estimate, Experiment, Op, Stage, Turn, WrongInput, param
from windtunnel.lab.claims import speaks_of
from windtunnel.lab.discovery import every, find
from windtunnel.lab.interview import Interview
from windtunnel.lab.params import settings
from windtunnel.lab.quantities import quantity
from windtunnel.lab.run import run
from windtunnel.lab.sitting import Sitting, kept_at
from windtunnel.workload import evenly, requests

NAME = "q10-ticketmaster"


@dataclass(frozen=True)
class Params:
    rate: float = param(10.0, "requests per second", 1.0, 100.0)
    work_s: float = param(0.05, "seconds of work for each", 0.001, 1.0)


class OneServer:
    """One after the other."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.server = stage.server("till", workers=1)

    def get(self, work_s: float) -> object:
        return self.server.submit(work_s)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    return requests(evenly(p.rate, 20), "get", args=lambda i: (p.work_s,))


SHOP: Experiment[Any] = Experiment(
    title="A till",
    question="How long is the queue?",
    params=Params,
    workload=workload,
    designs={"one_server": OneServer},
    claims=(Claim("one_server.latency_max_ms > 0", "Work takes time."),),
    asks=(Ask("How long does the last one wait?", "one_server.latency_max_ms", "ms", 1, 1000, log=True),),
    quick={"rate": 8.0},
    board=Board(
        clarify=(Clarify("Is there one till?", "There is one."),),
        estimates=(Estimate("What share of the time is it busy?", "100 * rate * work_s", "%", "Its load."),),
        failures=(
            Turn("Work is slower", Ask("And now?", "one_server.latency_max_ms", "ms", 1, 9e4), {"work_s": 0.5}),
            Turn(
                "Nothing is slow",
                Ask("And now?", "one_server.latency_max_ms", "ms", 1, 9e4),
                {"work_s": 0.001},
                "one_server.latency_max_ms > 0",
            ),
        ),
        scale=(Turn("More come", Ask("And now?", "one_server.latency_max_ms", "ms", 1, 9e4), {"rate": 40.0}),),
    ),
)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path / "progress.json"))
    return kept_at()


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("800", "buyers", 800),
        ("1,000", "", 1000),
        ("0.8k", "sales/s", 800),
        ("2 k sales/s", "sales/s", 2000),
        ("800 Buyers", "buyers", 800),
        ("7 retries", "retries a sale", 7),
        ("5 ms", "s", 0.005),
        ("2 seconds", "ms", 2000),
        ("1 MB", "bytes", 1e6),
        ("4 KiB", "bytes", 4096),
        ("30 %", "", 0.3),
        ("0.3", "%", 0.3),
        ("-1.5e3", "", -1500),
        ("\u22125.", "", -5),
        ("3 \u03bcs", "ms", 0.003),
        ("1,000,000.5", "", 1_000_000.5),
    ],
)
def test_a_number_is_taken_as_people_say_it(text: str, unit: str, value: float) -> None:
    assert quantity(text, unit) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "unit", "said"),
    [
        ("many", "buyers", "'many' is no number; say one in buyers"),
        ("5 ms", "sales/s", "'5 ms' is not in sales/s"),
        ("5 apples", "", "'5 apples' is not a plain number"),
        ("1e999", "s", "too large"),
        ("-", "", "no number"),
        ("1e308 k", "buyers", "too large"),
        ("0,5", "ms", "'0,5' is not in ms"),
        ("1,0000", "", "not a plain number"),
        ("1,500,00", "", "not a plain number"),
    ],
)
def test_another_unit_is_told_in_a_sentence(text: str, unit: str, said: str) -> None:
    with pytest.raises(WrongInput, match=said):
        quantity(text, unit)


@given(st.text(max_size=12), st.sampled_from(["", "s", "ms", "bytes", "%", "buyers", "sales/s"]))
def test_whatever_is_typed_is_a_number_or_a_sentence(text: str, unit: str) -> None:
    try:
        value = quantity(text, unit)
    except WrongInput:
        return
    assert value is None or math.isfinite(value)


def boards() -> list[Experiment[object]]:
    return [one for one in every() if one.board is not None]


def test_some_experiment_has_a_board() -> None:
    assert NAME in [one.id for one in boards()]


def test_a_board_speaks_of_what_its_experiment_has() -> None:
    for experiment in boards():
        board = experiment.board
        assert board is not None
        claims = {one.expression for one in experiment.claims}
        usual = settings(experiment.params, {})
        for one in board.estimates:
            assert math.isfinite(one.value(usual)), one.formula
        for turn in (*board.failures, *board.scale):
            assert settings(experiment.params, turn.given) != usual, f"{turn.what} changes nothing"
            assert not turn.claim or turn.claim in claims, turn.claim
        assert experiment.asks, "a deep dive asks what the experiment asks"


def assert_told_of_turns_holds(quick: bool) -> None:
    for experiment in boards():
        assert experiment.board is not None
        told = {one.expression: one for one in experiment.claims}
        bare = replace(experiment, why=(), figures=(), charts=(), asks=())
        for turn in (*experiment.board.failures, *experiment.board.scale):
            if turn.claim:
                claim = replace(told[turn.claim], given={}, where="")
                designs = sorted(speaks_of(turn.claim))
                result = run(replace(bare, claims=(claim,)), quick=quick, seeds=[0], designs=designs, **turn.given)
                (one,) = result.claims
                assert one.verdict == "holds", f"{turn.what}: {turn.claim}"


def test_the_sentence_that_is_told_of_a_turn_holds_in_its_setting() -> None:
    assert_told_of_turns_holds(quick=True)


@pytest.mark.soak
def test_the_sentence_that_is_told_of_a_turn_holds_in_its_setting_at_full_size() -> None:
    assert_told_of_turns_holds(quick=False)


def test_who_answers_nothing_reaches_the_end_and_is_told_everything(kept: Path) -> None:
    sitting = Sitting(SHOP, quick=True)
    while sitting.interview.step is not None:
        sitting.answer("")
    told = sitting.interview.told
    assert all(one.sentences and one.noted for one in told)
    assert all(one.said is None for one in told)
    ours = [one.ours for one in told if one.step.kind == "number"]
    # The load by its formula at the defaults. At 8 a second nobody waits. Twenty that take half a second each fall
    # behind by 0.375 s each, and at 40 a second by 0.025 s.
    assert ours == pytest.approx([50.0, 50.0, 500 + 19 * 375, 50 + 19 * 25])
    assert sitting.interview.closing()[0] == "0 of 4 numbers were committed to before they were shown."
    assert next(one for one in told if one.step.phase == "boxes").noted.splitlines()[0] == "clients"
    assert SHOP.id not in kept.read_text("utf-8"), "what is over is kept no more"


def test_an_interview_that_was_broken_off_goes_on_where_it_was_and_measures_nothing_twice(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Sitting(SHOP, quick=True)
    while first.interview.step is not None and first.interview.step.phase != "deep dive":
        first.answer("")
    first.answer("100 ms")
    said = first.interview.told
    assert SHOP.id in kept.read_text("utf-8")
    with monkeypatch.context() as patch:
        patch.setattr("windtunnel.lab.sitting.found", None)  # whatever would be measured raises
        again = Sitting(SHOP, quick=True)
        assert again.interview.told == said
        assert again.interview.answers[-1] == "100 ms"
    assert Sitting(SHOP, quick=True, again=True).interview.told == []
    assert Sitting(SHOP, quick=False).interview.told == [], "another size is another interview"
    other = replace(SHOP, asks=(replace(SHOP.asks[0], question="How long is it for the last?"),))
    assert Sitting(other, quick=True).interview.told == [], "other questions are another interview"


def test_a_damaged_file_of_interviews_is_told(kept: Path) -> None:
    kept.write_text("[1, 2", "utf-8")
    with pytest.raises(WrongInput, match="keeps no interviews"):
        Sitting(SHOP)


@pytest.mark.parametrize(
    "change",
    [
        {"quick": None},
        {"answers": [5]},
        {"answers": ["", "many"]},
        {"answers": [""] * 99},
        {"answers": ["", "", "", ""], "found": {"boxes 0": ["", ""], "deep dive 0": []}},
        {"answers": ["", "", "", ""], "found": {"boxes 0": ["", ""], "deep dive 0": ["much"]}},
        {"found": {"boxes 0": 7}},
        {"found": []},
    ],
)
def test_an_interview_that_does_not_say_what_one_can_is_told_too(kept: Path, change: dict[str, object]) -> None:
    Sitting(SHOP, quick=True).answer("")
    said = json.loads(kept.read_text("utf-8"))
    said[SHOP.id] |= change
    kept.write_text(json.dumps(said), "utf-8")
    with pytest.raises(WrongInput, match="keeps no interviews"):
        Sitting(SHOP, quick=True)


def test_of_two_interviews_at_once_both_are_kept(kept: Path) -> None:
    other = find(NAME)
    sittings = [Sitting(SHOP, quick=True), Sitting(other, quick=True)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda one: [one.answer("") for _ in range(2)], sittings))
    said = json.loads(kept.read_text("utf-8"))
    assert {name: len(one["answers"]) for name, one in said.items()} == {SHOP.id: 2, NAME: 2}


def test_where_nothing_can_be_kept_an_interview_goes_on(kept: Path) -> None:
    kept.mkdir(parents=True)
    sitting = Sitting(SHOP, quick=True)
    sitting.answer("")
    assert len(sitting.interview.told) == 1


def test_what_is_right_is_not_to_be_thought_of_again_however_many_times_it_is_off() -> None:
    one = Interview(SHOP)
    while one.step is not None and one.step.kind != "choice":
        one.answer("", [0.0])
    one.answer("1", [])
    assert one.answer("1 s", [0.0]).far == "right"
    assert one.answer("90 s", [0.0]).far == "off by 90,000 ms"
    told = one.closing()
    assert told[1] == "1 of them were right, or within 3 times what came out."
    assert [line for line in told if line.startswith("Think again")] == [
        "Think again about: More come. And now? (off by 90,000 ms)"
    ]


def test_what_is_no_answer_changes_nothing() -> None:
    one = Interview(SHOP)
    one.answer("")
    before = (list(one.told), one.step)
    for ask in (one.need, one.answer):
        with pytest.raises(WrongInput, match="'5 ms' is not in %"):
            ask("5 ms")
    assert (one.told, one.step) == before


def test_a_failure_is_picked_by_number_or_by_how_it_begins_and_the_next_question_is_about_it() -> None:
    one = Interview(SHOP)
    while one.step is not None and one.step.kind != "choice":
        one.answer("", [1.0])
    with pytest.raises(WrongInput, match="say a number from 1 to 2"):
        one.need("9")
    one.answer("nothing")
    assert one.step is not None
    assert one.step.question == "Nothing is slow. And now?"
    assert one.need("60") == ("failure", 1)
    told = one.answer("2 s", [1.0])
    assert told.said == 2000
    assert told.sentences[-1] == "Work takes time.", "the sentence of the claim that says why"
    assert "Work is slower" in one.closing()[-1]


def test_an_estimate_shows_its_formula_with_numbers_and_the_distance() -> None:
    one = Interview(SHOP)
    one.answer("")
    told = one.answer("500")
    assert told.far == "10 times too high"
    assert told.sentences[-1] == "Its load. 100 * rate * work_s = 100 * 10 * 0.05 = 50%."


def test_what_could_not_be_measured_is_no_number() -> None:
    one = Interview(SHOP)
    while one.step is not None and one.step.phase != "deep dive":
        one.answer("", ["", ""])
    told = one.answer("3", [None])
    assert told.ours is None
    assert told.far == "it cannot be told here"


def test_an_experiment_without_a_board_says_so() -> None:
    with pytest.raises(WrongInput, match="load-balancing has no board for an interview"):
        Interview(find("load-balancing"))


def test_a_board_that_lacks_a_phase_is_refused() -> None:
    turn = Turn("More of it", Ask("How many?", "a.b", "", 0, 1))
    with pytest.raises(WrongInput, match="without failures"):
        Board([Clarify("Why?", "So.")], [Estimate("How many?", "1", "", "One.")], [], [turn])
    with pytest.raises(WrongInput, match="end it with a question mark"):
        Clarify("Tell me.", "No.")
