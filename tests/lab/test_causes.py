"""Why a run failed: the moment is where it is known to be, and nothing is blamed that did no harm."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from helpers.commands import add_toy_shop, call
from windtunnel.lab import run
from windtunnel.lab.blame import MOST_TRIES, blame, when
from windtunnel.lab.causes import Case, case_of
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.history import History, Op
from windtunnel.lab.no_return import FUTURES, MOST_RUNS, WITHIN_S, point_of_no_return
from windtunnel.lab.notes import Notes
from windtunnel.lab.params import param
from windtunnel.lab.running import work
from windtunnel.lab.running.work import execute
from windtunnel.lab.stage import Stage
from windtunnel.lab.workload import requests
from windtunnel.sim.fault import Fault, pause
from windtunnel.sim.kernel import process


@dataclass(frozen=True)
class Params:
    chance: float = param(0.1, "with which the request of second 5 is refused", 0.0, 1.0)
    poison: int = param(-1, "the request that spoils the server", -1, 99)
    pauses: int = param(0, "how often the server stands still: at second 4, 4.5 and 8", 0, 3)


class Refused(Exception):
    outcome = "fail"


class Server:
    """Draws lots for one request, and stands still now and then."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.stage, self.params, self.sim = stage, params, stage.sim
        self.server = stage.server("server")
        self.spoilt = False

    @process
    async def ask(self, due_s: float) -> None:
        self.spoilt |= self.sim.request == self.params.poison
        lot = self.stage.luck("lot").random()
        await self.server.serve(0.001)
        if due_s == 5.0 and lot < self.params.chance:
            raise Refused


class Another(Server):
    """Never refuses."""

    @process
    async def ask(self, due_s: float) -> None:
        await self.server.serve(0.001)


def workload(params: Params, luck: Random) -> Iterable[Op]:
    return requests([i / 10 for i in range(100)], "ask", args=lambda i: (i / 10,))


def measure(history: History, params: Params) -> Mapping[str, float]:
    late = sum(e.end - e.due > 0.2 for e in history if 4.9 < e.due < 5.1)
    poisoned = any(e.id == params.poison for e in history)
    return {"refused": len(history.where(outcome="fail")), "late": late, "spoilt": float(poisoned)}


def faults(params: Params) -> tuple[Fault, ...]:
    return (pause("server", at_s=4, for_s=2), pause("server", at_s=4.5, for_s=2), pause("server", at_s=8, for_s=1))[
        : params.pauses
    ]


REFUSED = Claim("server.refused > another.refused", "Luck refuses it.", breaks="server")
LATE = Claim("server.late == 0", "Nobody waits.")
SPOILT = Claim("server.spoilt == 0", "Nobody sends poison.")
experiment = Experiment(
    title="A toy",
    question="Why?",
    params=Params,
    workload=workload,
    designs={"server": Server, "another": Another},
    measure=measure,
    faults=faults,
    claims=(REFUSED, LATE, SPOILT),
    seeds=2,
)


def case(claim: Claim, **params: object) -> Case:
    for seed in range(100):
        try:
            return case_of(experiment, "server", seed, claim, jobs=1, params=params)
        except WrongInput:
            continue
    raise AssertionError("no seed fails")


def test_the_point_of_no_return_is_where_the_lot_is_drawn() -> None:
    found = point_of_no_return(case(REFUSED))
    assert found.low_s < 5.0 <= found.high_s
    assert found.high_s - found.low_s <= WITHIN_S
    shares = {share.at_s: share for share in found.curve}
    assert shares[found.low_s].futures == shares[found.high_s].futures == FUTURES
    assert shares[found.high_s].share == 1.0
    assert shares[found.low_s].interval()[0] < 0.1 < shares[found.low_s].interval()[1]
    assert found.runs <= MOST_RUNS


def test_what_fails_whatever_the_luck_has_no_such_point() -> None:
    found = point_of_no_return(case(REFUSED, chance=1.0))
    assert (found.low_s, found.high_s) == (0.0, 0.0)
    assert found.curve[0].share == 1.0


@pytest.mark.parametrize("chance", [1.0, pytest.param(0.1, marks=pytest.mark.soak)])
def test_the_futures_are_the_same_in_one_process_and_in_two(chance: float) -> None:
    one = case(REFUSED, chance=chance)
    two = replace(one, jobs=2, notes=Notes())
    assert point_of_no_return(one) == point_of_no_return(two)


def test_the_one_fault_that_did_it_comes_first_and_is_enough() -> None:
    found = blame(case(LATE, pauses=1))
    assert [one.fails for one in found.effects] == [False]
    assert found.enough == [found.effects[0].what]


def test_of_two_overlapping_causes_neither_is_enough_and_both_are() -> None:
    found = blame(case(LATE, pauses=3))
    assert [one.fails for one in found.effects] == [True, True, True]
    first, second, third = faults(Params(pauses=3))
    assert found.enough == [when(first), when(second)]
    assert when(third) == "pause server, at 8 s for 1 s"
    assert found.runs <= MOST_TRIES


def test_a_request_is_found_among_a_hundred() -> None:
    found = blame(case(SPOILT, poison=37))
    assert [(one.what, one.fails) for one in found.effects] == [("request 37, due at 3.7 s", False)]
    assert found.minimal
    assert found.enough == ["request 37, due at 3.7 s"]
    assert found.runs < 40


def test_nothing_is_blamed_where_nothing_alone_did_it() -> None:
    always = Claim("server.ops == 0", "Nobody asks.")
    assert blame(case(always)).enough == []


def test_other_luck_leaves_what_came_before_as_it_was() -> None:
    failed = case(REFUSED)
    late, early = failed.measure([failed.job(turn_s=9.0, turn_seed=7), failed.job(turn_s=9.0, turn_seed=8)])
    assert failed.fail([late, early]) == [True, True]


def test_a_turn_after_the_end_is_none_and_an_earlier_one_changes_what_is_drawn() -> None:
    failed = case(REFUSED)
    digests = [execute(experiment, failed.job(turn_s=at_s, turn_seed=7)).digest for at_s in (-1.0, 1e6, 2.0)]
    assert digests[0] == digests[1] != digests[2]


def test_a_run_that_does_not_fail_and_a_claim_of_another_are_refused() -> None:
    with pytest.raises(WrongInput, match="server does not fail with seed 0"):
        case_of(experiment, "server", 0, LATE, jobs=1)
    with pytest.raises(WrongInput, match="does not speak of another"):
        case_of(experiment, "another", 0, LATE, jobs=1)


# --- the command -------------------------------------------------------------------------------------------------
@pytest.fixture(autouse=True)
def _a_toy_in_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    add_toy_shop(monkeypatch)


@pytest.fixture(autouse=True)
def _notes_of_this_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path / "kept" / "progress.json"))


ASKED = ("why", "toy-shop", "--quick", "--jobs", "1")


def kept(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "kept" / "why").glob("*"))


def test_what_was_stopped_goes_on_where_it_was(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = tmp_path / "why.json"
    assert call(capsys, *ASKED, "--out", str(out))[0] == 0
    whole = out.read_text("utf-8")
    assert kept(tmp_path) == []
    ran = 0
    really = work.execute

    def until(most: int) -> None:
        def execute(*asked: Any) -> Any:
            nonlocal ran
            ran += 1
            if ran > most:
                raise KeyboardInterrupt
            return really(*asked)

        monkeypatch.setattr(run, "execute", execute)

    until(40)
    assert call(capsys, *ASKED, "--out", str(out.with_name("again.json")))[0] == 130
    (notes,) = kept(tmp_path)
    known = notes.read_text("utf-8").splitlines()
    assert len(known) == 39  # the failed run itself is none of them
    notes.write_text("\n".join(known)[:-9], "utf-8")  # killed while it wrote
    ran = 0
    until(10_000)
    assert call(capsys, *ASKED, "--out", str(out.with_name("again.json")))[0] == 0
    assert out.with_name("again.json").read_text("utf-8") == whole
    runs = sum(json.loads(whole)[part]["runs"] for part in ("no_return", "blame"))
    assert ran == runs - 38 + 1
    assert kept(tmp_path) == []


def test_what_has_no_time_left_says_that_it_can_go_on(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, said, err = call(capsys, *ASKED, "--budget", "0")
    assert (status, said) == (3, "")
    assert err.endswith("the same command goes on from there.\n")
    status, said, _ = call(capsys, *ASKED, "--budget", "0", "--json")
    assert json.loads(said)["status"] == status == 3
    assert call(capsys, *ASKED, "--out", str(tmp_path))[0] == 2


def test_the_command_says_why_in_words_and_as_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ASKED
    status, said, _ = call(capsys, *asked)
    assert status == 0
    assert "naive, seed 0: two see the last ticket" in said
    assert "No point of no return" in said
    status, said, _ = call(capsys, *asked, "--json")
    document: dict[str, Any] = json.loads(said)
    assert document["design"] == "naive"
    assert document["no_return"]["runs"] >= FUTURES


def test_it_is_told_on_a_narrow_screen(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    said = call(capsys, *ASKED)[1]
    assert max(map(len, said.splitlines())) <= 40


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("--design", "nobody"), "There is no design nobody"),
        (("--design", "one_step"), "Say by which claim of one_step it fails, with --claim"),
        (("--claim", "a queue of one"), "naive does not fail with seed 0"),
        (("--set", "stok=1"), "There is no parameter stok; did you mean stock?"),
        (("--set", "seed=1"), "There is no parameter seed"),
        (("--set", "progress=1"), "There is no parameter progress"),
        (("--claim", "naive"), "3 claims of toy-shop have 'naive' in them; say more of one."),
        (("--claim", "1 < 2"), "The claim '1 < 2' speaks of no design"),
        (("--claim", "nobody.sold > 1"), "There is no design nobody"),
        (("--claim", "naive.sold >= 0"), "naive does not fail with seed 0: naive.sold >= 0 holds"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(
    asked: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = call(capsys, "why", "toy-shop", "--quick", "--jobs", "1", *asked)
    assert status == 2
    assert sentence in err
    assert err.count("\n") == 1
