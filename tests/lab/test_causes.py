"""Why a run failed: the moment is where it is known to be, and nothing is blamed that did no harm."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from helpers.commands import call
from windtunnel.lab import discovery
from windtunnel.lab.causes import (
    FUTURES,
    MOST_RUNS,
    MOST_TRIES,
    WITHIN_S,
    Case,
    blame,
    case_of,
    point_of_no_return,
    when,
)
from windtunnel.lab.discovery import modules
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.history import History, Op
from windtunnel.lab.params import param
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
    assert found.effects == []
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
    found = {**modules(), "toy-shop": "helpers.toy_shop"}
    monkeypatch.setattr(discovery, "modules", lambda package=discovery.CATALOGUE: found)


def test_the_command_says_why_in_words_and_as_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("why", "toy-shop", "--quick", "--jobs", "1")
    status, said, _ = call(capsys, *asked)
    assert status == 0
    assert "naive, seed 0: two see the last ticket" in said
    assert "No point of no return" in said
    status, said, _ = call(capsys, *asked, "--json")
    document: dict[str, Any] = json.loads(said)
    assert document["design"] == "naive"
    assert document["no_return"]["runs"] >= FUTURES


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
