"""Faults in runs: what overlaps counts, what makes no sense is refused at once, what lasts is mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.grading.trial import Case, Trial, play
from windtunnel.lab.history import Event, History, Op
from windtunnel.lab.params import param
from windtunnel.lab.running.work import Job, history_of
from windtunnel.lab.stage import Stage
from windtunnel.sim.fault import Fault, call, crash, cut, cut_reply, pause, skew, slow, split, storm


@dataclass(frozen=True)
class Params:
    n: int = param(1, "nothing")


class Watched:
    """Looks at a host from outside, twice a second."""

    started = 0

    def __init__(self, stage: Stage, params: Params) -> None:
        self.host, self.sim = stage.host("a"), stage.sim
        self.till = stage.add("till", stage.sim.host("b"))

    def look(self) -> tuple[bool, bool]:
        Watched.started += 1
        return self.host.down, self.host.paused

    def report(self) -> dict[str, Any]:
        return {"boots": self.host.boots, "down": self.host.down, "paused": self.host.paused, "clock": self.skew()}

    def skew(self) -> float:
        return round(self.host.clock.time() - self.sim.clock.time(), 6)


LOOKS = [Op(half / 2 + 0.25, "outside", "look") for half in range(24)]


def run_with(faults: Sequence[Fault], design: Any = Watched, stage: str = "sim", ops: Sequence[Op] = LOOKS) -> History:
    experiment: Experiment[Params] = Experiment(
        title="Faults",
        question="What goes wrong?",
        params=Params,
        workload=lambda p, luck: ops,
        designs={"one": design},
        claims=(),
        stages=(stage,),
        faults=faults,
    )
    return history_of(experiment, Job(stage, "one", 0, 0))


def test_crashes_that_overlap_agree_with_the_tunnel() -> None:
    history = run_with((crash("a", at_s=1, for_s=4), crash("a", at_s=2, for_s=1)))
    assert [e.value[0] for e in history] == [2 <= half < 10 for half in range(24)]
    assert history.facts["boots"] == 2


TIMES = st.tuples(st.integers(0, 12), st.one_of(st.none(), st.integers(1, 8)))


@given(st.lists(TIMES, max_size=6))
@settings(max_examples=40)
def test_in_a_run_a_host_is_down_exactly_while_some_fault_says_so(times: list[tuple[int, int | None]]) -> None:
    faults = [crash("a", at_s=at / 2, for_s=None if n is None else n / 2) for at, n in times]
    history = run_with(faults)
    down = [any(at <= half < at + (99 if n is None else n) for at, n in times) for half in range(24)]
    assert [e.value[0] for e in history] == down
    assert not history.facts["down"]  # what lasts is mended before the report


def test_what_lasts_to_the_end_is_mended_before_the_report() -> None:
    history = run_with((pause("a", at_s=1), skew("a", by_s=-9.0, at_s=1), crash("till", at_s=2)))
    assert history[-1].value == (False, True)
    assert (history.facts["paused"], history.facts["clock"]) == (False, 0)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (crash("tll", at_s=1), r"There is no thing on stage sim named tll; did you mean till\?"),
        (crash("network", at_s=1), "network cannot suffer crash; it can suffer nothing."),
        (split("a", "bb", at_s=1), r"There is no thing on stage sim named bb"),
        (storm("network", loss=0.5, at_s=1), "network is not on the network, where hosts are: a, b."),
        (call("till", "explode", at_s=1), "A fault calls till.explode, and till cannot do that."),
    ],
)
def test_a_target_that_is_wrong_is_one_sentence_before_anything_happens(fault: Fault, sentence: str) -> None:
    before = Watched.started
    with pytest.raises(WrongInput, match=sentence):
        run_with((fault,))
    assert Watched.started == before


def test_what_a_design_makes_when_it_starts_can_be_struck() -> None:
    class Late(Watched):
        def start(self) -> None:
            self.other = self.sim.host("other")

        def report(self) -> dict[str, Any]:
            return {"boots": self.other.boots}

    assert run_with((crash("other", at_s=1, for_s=1),), Late).facts["boots"] == 2
    with pytest.raises(WrongInput, match=r"did you mean other"):
        run_with((crash("othr", at_s=1, for_s=1),), Late)


def test_faults_of_the_design_itself_count_with_those_of_the_experiment() -> None:
    class Chaotic(Watched):
        def start(self) -> None:
            self.sim.faults.crash("a", at_s=2, for_s=5)

    history = run_with((crash("a", at_s=1, for_s=4),), Chaotic)
    assert [e.value[0] for e in history] == [2 <= half < 14 for half in range(24)]


# --- models --------------------------------------------------------------------------------------------------------
class Counting:
    """Counts what it was asked for."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.db = stage.database("db")

    async def start(self) -> None:
        await self.db.create_table("count", {"id": int, "n": int}, [{"id": 1, "n": 0}])

    async def add(self) -> None:
        from windtunnel.engines.database.port import Plus

        await self.db.update("count", {"id": 1}, {"n": Plus(1)})

    async def report(self) -> dict[str, Any]:
        return {"n": (await self.db.select("count"))[0]["n"]}


def test_a_database_that_loses_its_answers_carries_out_what_nobody_is_told_of() -> None:
    ops = [Op(at, "a", "add") for at in (0.5, 1.5, 2.5)]
    history = run_with((cut_reply("db", at_s=1, for_s=1),), Counting, ops=ops)
    assert [e.outcome for e in history] == ["ok", "unknown", "ok"]
    assert history.facts["n"] == 3


def test_a_database_and_its_host_are_one_machine() -> None:
    class Both(Counting):
        def __init__(self, stage: Stage, params: Params) -> None:
            super().__init__(stage, params)
            self.machine = stage.add("machine", stage.host("db"))

        def look(self) -> bool:
            return bool(self.machine.down)

    history = run_with((crash("db", at_s=1, for_s=2), crash("machine", at_s=2, for_s=3)), Both)
    assert [e.value for e in history] == [2 <= half < 10 for half in range(24)]


# --- diagrams ------------------------------------------------------------------------------------------------------
def test_a_case_tells_its_faults_in_the_same_words() -> None:
    faults = [crash("a", "till", at_s=1, for_s=1), cut("a", "till", at_s=2), slow("a", to=0.5, at_s=3, for_s=1)]
    history = History([Event("outside", "look", (), 0.0, 1.0, "ok")], {}, 1.0)
    told = Case(0, [], faults, history, {}).to_dict()
    assert [one["text"] for one in told["faults"]] == ["crash a, till", "cut a > till", "slow a to 0.5"]
    for word in ("crash", "end of crash", "cut a > till", "slow to 0.5", "end of slow"):
        assert word in told["text"]
        assert word.replace(">", "&gt;") in told["svg"]
    assert {"a", "till", "network"} <= set(told["text"].splitlines()[0].split())


def test_a_trial_can_pause_the_host_of_the_clients_before_there_is_one() -> None:
    experiment: Experiment[Params] = Experiment(
        title="Faults",
        question="What goes wrong?",
        params=Params,
        workload=lambda p, luck: [Op(0.5, "a", "add")],
        designs={"one": Counting},
        claims=(),
    )
    history = play(experiment, "one", Trial(0, {"n": 1}, (pause("clients", at_s=0.25, for_s=2.0),)))
    assert history[0].end >= 2.25
