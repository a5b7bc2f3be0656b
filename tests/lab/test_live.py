"""Designs in real time: asyncio overlaps, plain methods take their turn. Order is shown by barriers, not by clocks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from windtunnel.lab.doubt.report import Report, text_of
from windtunnel.lab.errors import DesignError, WrongInput
from windtunnel.lab.experiment import Claim, Experiment, Figure
from windtunnel.lab.history import History, Op
from windtunnel.lab.params import param
from windtunnel.lab.result import Result
from windtunnel.lab.run import run
from windtunnel.lab.running.work import Job, history_of
from windtunnel.lab.stage import Stage
from windtunnel.lab.statistics import not_measurable
from windtunnel.lab.workload import at_once, batches, requests
from windtunnel.sim.fault import Fault, call, crash, cut, cut_reply, skew, split, storm
from windtunnel.sim.kernel import process

needs_signals = pytest.mark.skipif(os.name != "posix", reason="real servers are killed by signals")


@dataclass(frozen=True)
class Params:
    count: int = param(3, "requests", 1)


def one_run(design: Any, stage: str = "machine", **changes: Any) -> History:
    made = replace(experiment, designs={"one": design}, **changes)
    return history_of(made, Job(stage, "one", 0, 0, {}))


class Together:
    """Answers when all have come."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.stage = stage
        self.barrier = asyncio.Barrier(params.count)
        self.seen: list[int] = []

    async def work(self, item: int = 0) -> int:
        self.seen.append(self.stage.request)
        return await self.barrier.wait()

    async def report(self) -> dict[str, Any]:
        return {"seen": self.seen}


class Square:
    """Computes."""

    def __init__(self, stage: Stage, params: Params) -> None: ...

    def work(self, item: int = 0) -> int:
        return item * item


experiment = Experiment(
    title="Real time",
    question="Who waits for whom?",
    params=Params,
    workload=lambda params, random: requests(at_once(params.count), "work"),
    designs={"square": Square, "together": Together},
    claims=(Claim("together.ok == 3", "they wait for each other"),),
    stages=("machine", "sqlite"),
)


def test_requests_of_an_open_loop_overlap_and_each_has_its_own_id() -> None:
    history = one_run(Together)
    assert sorted(e.value for e in history) == [0, 1, 2]
    assert history.facts["seen"] == [0, 1, 2]
    assert history.facts["cpu_s"] >= 0
    assert all(0 <= e.due <= e.start <= e.end <= history.duration for e in history)


def test_batches_come_one_after_the_other() -> None:
    history = one_run(Square, workload=lambda p, r: batches("work", [1, 2, 3]))
    assert [e.value for e in history] == [1, 4, 9]
    assert all(a.end <= b.due for a, b in pairwise(history))


def test_a_closed_loop_never_overlaps() -> None:
    history = one_run(
        Together, workload=lambda p, r: [Op(0.0, "a", "work", think_s=0.0)] * 3, ends_s=lambda params: 0.05
    )
    assert [e.outcome for e in history] == ["unknown"]
    assert history.facts["unsent"] == 2


class Slow:
    """Takes a while for each."""

    def __init__(self, stage: Stage, params: Params) -> None:
        pass

    async def work(self) -> None:
        await asyncio.sleep(0.4)


def test_a_closed_loop_that_goes_on_is_not_cut_however_long_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("windtunnel.lab.running.drive_live.PATIENCE_S", 1.0)
    history = one_run(Slow, workload=lambda p, r: [Op(0.0, "a", "work", think_s=0.0)] * 3)
    assert [event.outcome for event in history] == ["ok"] * 3


@pytest.mark.parametrize(
    ("error", "outcome"), [(TimeoutError, "unknown"), (ConnectionResetError, "unknown"), (OSError, "unknown")]
)
def test_lost_answers_are_unknown(error: type[Exception], outcome: str) -> None:
    class Lost(Square):
        async def work(self, item: int = 0) -> int:  # type: ignore[override]
            raise error

    assert {e.outcome for e in one_run(Lost)} == {outcome}


@pytest.mark.parametrize("wait", [False, True])
def test_a_broken_design_ends_the_run_at_once(wait: bool) -> None:
    class Broken(Together):
        async def work(self, item: int = 0) -> int:
            if self.stage.request == 1:
                raise KeyError("lost")
            return await super().work(item) if wait else 0

    with pytest.raises(DesignError, match=r"Design one is broken: work raised KeyError: 'lost' at test_live.py:\d+"):
        one_run(Broken)


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_what_a_constructor_has_opened_is_closed_where_it_ends_in_the_middle(
    error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    class HalfMade(Square):
        def __init__(self, stage: Stage, params: Params) -> None:
            stage.objects()
            assert list(tmp_path.iterdir())
            raise error

    with pytest.raises(DesignError if error is KeyError else error):
        one_run(HalfMade)
    assert not list(tmp_path.iterdir())


def test_a_broken_plain_method_is_named() -> None:
    class Broken(Square):
        def work(self, item: int = 0) -> int:
            raise KeyError("lost")

    with pytest.raises(DesignError, match="work raised KeyError"):
        one_run(Broken)


class InTurn:
    """Each waits for the one before it: a light process in the tunnel, a task elsewhere."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.sim = stage.sim if stage.name == "sim" else None
        self.stage = stage
        self.last: Any = None
        self.order: list[int] = []

    @process
    async def work(self, item: int = 0) -> bool:
        before, self.last = self.last, (mine := self.stage.signal())
        if before is not None:
            await before
        self.order.append(self.stage.request)
        mine.set()
        return before is None or before.done()

    def report(self) -> dict[str, Any]:
        return {"order": self.order}


@pytest.mark.parametrize("stage", ["sim", "machine"])
def test_requests_wait_for_one_another_on_any_stage(stage: str) -> None:
    history = one_run(InTurn, stage)
    assert [e.value for e in history] == [True, True, True]
    assert history.facts["order"] == [0, 1, 2]


class Door(Together):
    """Stays shut until a fault opens it."""

    def __init__(self, stage: Stage, params: Params) -> None:
        super().__init__(stage, params)
        self.open = asyncio.Event()
        stage.add("door", self)

    async def unlock(self) -> None:
        self.open.set()

    async def work(self, item: int = 0) -> int:
        await self.open.wait()
        return 1


def test_faults_reach_what_lives_on_the_stage() -> None:
    history = one_run(Door, faults=(call("door", "unlock", at_s=0.0),))
    assert [e.value for e in history] == [1, 1, 1]


@pytest.mark.parametrize("fault", [call("dor", "unlock", at_s=0.0), call("door", "explode", at_s=0.0)])
def test_a_fault_that_hits_nothing_is_named(fault: Fault) -> None:
    with pytest.raises(WrongInput, match=r"did you mean door\?|door cannot do that"):
        one_run(Door, faults=(fault,))


class Served(Square):
    """Waits for a server."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.server = stage.server("server", queue_limit=1)

    async def work(self, item: int = 0) -> int:  # type: ignore[override]
        await self.server.serve(30.0)
        return item


@pytest.mark.parametrize("stage", ["sim", pytest.param("machine", marks=needs_signals)])
def test_the_same_design_and_fault_meet_the_server_of_their_stage(stage: str) -> None:
    history = one_run(Served, stage=stage, faults=(crash("server", at_s=0.3),))
    assert sorted(e.outcome for e in history) == ["fail", "unknown", "unknown"]


@needs_signals
def test_a_real_server_loses_its_answers_and_is_cut_off_to_the_end_of_the_run() -> None:
    class Quick(Served):
        def __init__(self, stage: Stage, params: Params) -> None:
            self.server = stage.server("server")  # what was cut off arrives when the way is mended, before the report

        async def work(self, item: int = 0) -> int:  # type: ignore[override]
            await self.server.serve(0.001)
            return item

        async def report(self) -> dict[str, Any]:
            await self.server.serve(0.001)
            return {"served": True}

    history = one_run(Quick, faults=(cut_reply("server", at_s=0.0),), ends_s=lambda p: 30.0)
    assert [e.outcome for e in history] == ["unknown"] * 3
    assert history.facts["served"]
    history = one_run(Quick, faults=(split("server", at_s=0.0),), ends_s=lambda p: 0.5)
    assert {e.outcome for e in history} == {"unknown"}
    assert history.facts["served"]  # the way is mended before the report


@needs_signals
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (storm(loss=0.5, at_s=0.0), "A storm is for the tunnel"),
        (skew("server", by_s=1.0, at_s=0.0), "server cannot suffer skew; it can suffer crash, pause, slow, cut_reply"),
        (split("sever", at_s=0.0), r"There is no thing on stage machine named sever; did you mean server\?"),
        (cut("server", "server", at_s=0.0), "is on no way of ours; here a way begins or ends at clients"),
    ],
)
def test_what_real_things_cannot_suffer_is_one_sentence(fault: Fault, sentence: str) -> None:
    with pytest.raises(WrongInput, match=sentence):
        one_run(Served, faults=(fault,))


def test_real_faults_that_overlap_count() -> None:
    class Fragile(Square):
        def __init__(self, stage: Stage, params: Params) -> None:
            self.log: list[str] = []
            stage.add("fragile", self)

        def crash(self) -> None:
            self.log.append("crash")

        async def restart(self) -> None:
            await asyncio.sleep(0)
            self.log.append("restart")

        async def work(self, item: int = 0) -> int:  # type: ignore[override]
            await asyncio.sleep(0.2)
            return item

        def report(self) -> dict[str, Any]:
            return {"log": self.log}

    faults = (crash("fragile", at_s=0.0), crash("fragile", at_s=0.01, for_s=0.01))
    assert one_run(Fragile, faults=faults).facts["log"] == ["crash", "restart"]


def test_only_the_simulated_stage_has_a_simulator() -> None:
    class Simulated(Square):
        def __init__(self, stage: Stage, params: Params) -> None:
            self.sim = stage.sim

    with pytest.raises(WrongInput, match="Stage machine is real; only stage sim has a simulator"):
        one_run(Simulated)


class Store(Square):
    """Counts in a database."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.database = stage.database("shop", connections=2)

    async def start(self) -> None:
        await self.database.create_table("counter", {"id": int, "n": int}, [{"id": 1, "n": 0}])

    async def work(self, item: int = 0) -> int:  # type: ignore[override]
        from windtunnel.engines.database.port import Plus

        return await self.database.update("counter", {"id": 1}, {"n": Plus(1)})

    async def report(self) -> dict[str, Any]:
        return {"n": (await self.database.select("counter"))[0]["n"]}


@pytest.mark.parametrize("stage", ["sim", "machine", "sqlite"])
def test_the_same_design_uses_the_database_of_its_stage(stage: str) -> None:
    history = one_run(Store, stage)
    assert history.facts["n"] == 3
    assert [e.value for e in history] == [1, 1, 1]


def test_a_run_in_real_time_is_judged_like_any_other() -> None:
    told: list[int] = []
    watch: Callable[..., object] = lambda done, total, design, seed: told.append(done)  # noqa: E731
    result = run(experiment, seeds=2, jobs=4, progress=watch)
    assert [c.verdict for c in result.claims] == ["holds"]
    assert told == [1, 2, 3, 4]
    assert result.stage == "machine"


def test_the_digest_of_a_real_run_leaves_times_out() -> None:
    digests = [run(experiment, seeds=1, designs=["square"]).runs[0].digest for _ in range(2)]
    assert digests[0] == digests[1]


def test_what_the_machine_did_not_let_us_measure_is_unknown_and_says_why() -> None:
    def measure(history: History, params: Params) -> dict[str, float]:
        return {"speed_up": not_measurable("the other core was busy"), "sum": 5.0}

    claims = (
        Claim("square.speed_up > 1.5", "There are two cores."),
        Claim("square.sum == 5", "That is what they add up to."),
    )
    figures = (Figure("speed-up", 2.0, "square.speed_up", 0.1, "D", "two cores", ""),)
    made = replace(experiment, measure=measure, claims=claims, figures=figures)
    assert made.measured
    result = run(made, seeds=2, designs=["square"])
    assert [c.verdict for c in result.claims] == ["unknown", "holds"]
    assert result.claims[0].note == "not measurable here, because the other core was busy"
    assert result.figures[0].note == "not measurable here, because the other core was busy"
    again = Result.from_json(result.to_json())
    assert again.claims[0].note == result.claims[0].note
    assert not replace(made, stages=("sim", "machine")).measured


def test_a_doubt_of_what_is_measured_says_what_it_cannot_tell() -> None:
    report = Report("real-time", "", "", "", 7, 1, 0, (1, 1), [])
    assert "a seed is a repetition" not in text_of(report)
    assert "a seed is a repetition" in text_of(replace(report, measured=True))
