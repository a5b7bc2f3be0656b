"""The verb: the same seed gives the same bytes, whoever runs it and however."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from helpers import toy_shop
from helpers.toy_shop import LookThenWrite, OneStep, Params, experiment
from windtunnel.lab.errors import DesignError, WrongInput
from windtunnel.lab.experiment import Claim, Experiment, Figure
from windtunnel.lab.history import History, Op
from windtunnel.lab.result import Result
from windtunnel.lab.run import run
from windtunnel.lab.running.work import Job, history_of
from windtunnel.lab.stage import Stage
from windtunnel.lab.workload import thinking
from windtunnel.sim.fault import Fault, call, crash, split
from windtunnel.sim.kernel import process

HERE = Path(__file__).parent


def digests(result: Result) -> dict[tuple[str, int, int], str]:
    return {(r.design, r.seed, r.setting): r.digest for r in result.runs}


def with_designs(**designs: Any) -> Experiment[Params]:
    return replace(experiment, designs=designs, claims=(), figures=())


def one_run(design: Any, **changes: Any) -> History:
    """The history of a single design with seed 0."""
    made = replace(experiment, designs={"one": design}, claims=(), figures=(), **changes)
    return history_of(made, Job("sim", "one", 0, 0, {}))


# --- verdicts ----------------------------------------------------------------------------------------------------
def test_a_race_is_lost_and_a_step_is_not() -> None:
    result = run(experiment, jobs=1)
    assert [c.verdict for c in result.claims] == ["holds", "holds", "holds", "holds"]
    assert [f.verdict for f in result.figures] == ["unknown"]  # 10 on each of three seeds is no certainty
    result = run(experiment, seeds=6, jobs=1)
    assert [f.verdict for f in result.figures] == ["reproduced"]
    assert result.ok
    assert result.exit_status == 0
    assert result.claims[0].shown.endswith("> 0")


def test_a_deliberately_false_claim_fails() -> None:
    canary = replace(experiment, claims=(*experiment.claims, Claim("naive.oversold < 0", "a canary: it must die")))
    result = run(canary, jobs=1)
    assert [c.verdict for c in result.claims] == ["holds"] * 4 + ["fails"]
    assert not result.ok
    assert result.exit_status == 1


def test_a_false_figure_fails_and_one_from_memory_is_only_shown() -> None:
    wrong = Figure("tickets", 11, "one_step.sold", 0.01, "D", "none")
    result = run(replace(experiment, figures=(wrong, replace(wrong, mark="M"))), seeds=6, jobs=1)
    assert [f.verdict for f in result.figures] == ["missed", "shown"]
    assert result.exit_status == 1


def test_a_claim_about_nothing_measured_is_unknown() -> None:
    nothing = replace(
        experiment, claims=(Claim("naive.latency_p99_ms > 0", "nobody was answered"),), figures=(), quick={}
    )
    result = run(nothing, jobs=1, stock=0)
    assert [c.verdict for c in result.claims] == ["unknown"]
    assert result.exit_status == 3


def test_a_claim_about_designs_that_did_not_run_is_skipped() -> None:
    result = run(experiment, designs=["one_step"], jobs=1)
    assert [c.verdict for c in result.claims] == ["skipped", "holds", "skipped", "skipped"]
    assert result.claims[0].note == "naive did not run"


def test_figures_speak_of_the_defaults_only() -> None:
    assert run(experiment, jobs=1, stock=5).figures[0].verdict == "skipped"
    assert run(experiment, jobs=1, quick=True).figures[0].verdict == "skipped"
    assert run(experiment, seeds=6, jobs=1, stock=10).figures[0].verdict == "reproduced"


def test_a_claim_over_means_needs_two_seeds() -> None:
    assert run(experiment, seeds=[0], jobs=1).claims[3].verdict == "unknown"


def test_another_setting_is_run_only_for_the_designs_that_a_claim_names() -> None:
    result = run(experiment, jobs=1)
    assert result.settings[1] == {**result.settings[0], "rate": 0.1, "buyers": 12}
    assert {r.design for r in result.runs if r.setting == 1} == {"naive"}


# --- the same bytes ----------------------------------------------------------------------------------------------
def test_alone_and_in_parallel_are_the_same() -> None:
    alone, parallel = run(experiment, jobs=1), run(experiment, jobs=2)
    assert digests(alone) == digests(parallel)
    hidden = {"provenance": {}}
    assert replace(alone, **hidden).to_json() == replace(parallel, **hidden).to_json()


def test_one_design_and_all_are_the_same() -> None:
    everything, one = digests(run(experiment, jobs=1)), digests(run(experiment, designs=["one_step"], jobs=1))
    assert one == {key: digest for key, digest in everything.items() if key[0] == "one_step"}


def test_every_hash_seed_is_the_same() -> None:
    script = "from helpers import toy_shop; from windtunnel import run; print(run(toy_shop.experiment, jobs=1).digest)"
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(HERE.parent)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert found == {run(experiment, jobs=1).digest + "\n"}


def test_another_seed_is_another_run() -> None:
    found = digests(run(experiment, seeds=4, jobs=1))
    assert len(set(found.values())) == len(found)


def test_every_design_serves_the_same_requests() -> None:
    served = {}
    for name in experiment.designs:
        history = history_of(experiment, Job("sim", name, 3, 0, {}))
        served[name] = sorted((e.id, e.due, e.name, e.args) for e in history)
    assert served["naive"] == served["one_step"]


def test_a_request_that_is_taken_away_leaves_the_luck_of_the_others_alone() -> None:
    class Lucky:
        """Answers with luck of the request's own."""

        def __init__(self, stage: Stage, params: Params) -> None:
            self.sim, self.stage = stage.sim, stage

        @process
        async def buy(self) -> float:
            return self.stage.luck("buy").random()

    def without(gone: int) -> dict[int, float]:
        def fewer(params: Params, random: Random) -> Iterable[Op]:
            ops = [op._replace(id=i) for i, op in enumerate(toy_shop.workload(params, random))]
            return [op for op in ops if op.id != gone]

        return {e.id: e.value for e in one_run(Lucky, workload=fewer)}

    everything = without(-1)
    assert len(set(everything.values())) == 100
    assert without(7) == {i: v for i, v in everything.items() if i != 7}


# --- outcomes ----------------------------------------------------------------------------------------------------
class Answers:
    """Ends each request as its number asks."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.sim = stage.sim
        self.count = 0

    @process
    async def buy(self) -> str:
        self.count += 1
        mine = self.count
        await self.sim.sleep(0.001)
        match mine % 4:
            case 0:
                raise toy_shop.SoldOut
            case 1:
                raise TimeoutError
            case 2:
                await self.sim.signal("nobody will")
        return "fine"


def test_outcomes_are_ok_fail_and_unknown_and_none_is_lost() -> None:
    history = one_run(Answers)
    found: dict[tuple[str, Any], int] = {}
    for event in history:
        found[event.outcome, event.value] = found.get((event.outcome, event.value), 0) + 1
    assert found == {
        ("ok", "fine"): 25,
        ("fail", "SoldOut"): 25,
        ("unknown", "TimeoutError"): 25,
        ("unknown", "unfinished"): 25,
    }


def test_a_run_that_waits_for_ever_ends_with_its_last_answer() -> None:
    history = one_run(Answers)
    assert history.duration == max(e.end for e in history) < 1.0


def test_a_run_ends_when_the_experiment_says_so() -> None:
    history = one_run(OneStep, ends_s=lambda params: 0.05)
    assert history.duration == 0.05
    assert all(e.end <= 0.05 for e in history)
    assert history.facts["unsent"] + len(history) == 100
    assert {e.outcome for e in history} == {"ok", "fail", "unknown"}


def test_a_broken_design_is_named_with_its_line() -> None:
    class Broken(OneStep):
        @process
        async def buy(self) -> str:
            await self.sim.sleep(0.001)
            return {}["nothing"]  # type: ignore[no-any-return]

    with pytest.raises(
        DesignError, match=r"^Design one is broken: buy raised KeyError: 'nothing' at test_run.py:\d+.$"
    ):
        one_run(Broken)


def test_a_design_that_breaks_in_the_background_is_named() -> None:
    class Broken(OneStep):
        async def start(self) -> None:
            self.sim.spawn(self.tick(), daemon=True)

        async def tick(self) -> None:
            await self.sim.sleep(0.01)
            raise ZeroDivisionError("of course")

    with pytest.raises(DesignError, match=r"Design one is broken: a process of it raised ZeroDivisionError: of course"):
        one_run(Broken)


def test_a_broken_constructor_is_named() -> None:
    class Broken:
        def __init__(self, stage: Stage, params: Params) -> None:
            raise KeyError("x")

    with pytest.raises(DesignError, match="its constructor raised KeyError"):
        one_run(Broken)


def test_a_missing_method_is_named() -> None:
    class Empty:
        def __init__(self, stage: Stage, params: Params) -> None: ...

    with pytest.raises(WrongInput, match=r"Design one \(Empty\) has no method buy; the workload calls it"):
        one_run(Empty)


def test_what_other_clients_have_a_method_for_is_not_asked_of_the_design() -> None:
    class Empty:
        def __init__(self, stage: Stage, params: Params) -> None: ...

    class Others:
        def __init__(self, stage: Stage, params: Params) -> None: ...

        async def buy(self, *args: Any) -> str:
            return "elsewhere"

    found = one_run(Empty, others=Others)
    assert len(found) > 0
    assert {event.value for event in found} == {"elsewhere"}


def test_a_broken_measure_is_named() -> None:
    def measure(history: History, params: Params) -> Mapping[str, float]:
        return {"x": 1 / 0}

    with pytest.raises(WrongInput, match=r"its measure raised ZeroDivisionError.* at test_run.py:\d+"):
        run(replace(experiment, measure=measure), jobs=1)


def test_broken_faults_are_the_experiments_and_named() -> None:
    def misspelt(params: Params) -> Sequence[Fault]:
        return (crash("server", at=3),)  # type: ignore[call-arg]

    def one(params: Params) -> Sequence[Fault]:
        return crash("server", at_s=3)  # type: ignore[return-value]

    with pytest.raises(WrongInput, match=r"^Experiment .* is broken: its faults raised TypeError.* at test_run.py:\d+"):
        run(replace(experiment, faults=misspelt), jobs=1)
    with pytest.raises(WrongInput, match=r"its faults are Fault.*; they are a tuple of faults, as in \(crash"):
        run(replace(experiment, faults=one), jobs=1)


def test_args_that_are_no_tuple_are_the_workloads_and_named() -> None:
    def workload(params: Params, luck: Random) -> Iterable[Op]:
        return [Op(0.0, "a", "buy", 7)]  # type: ignore[arg-type]

    with pytest.raises(WrongInput, match=r"the args of its request buy are 7; they are a tuple, as in \(7,\)"):
        run(replace(experiment, workload=workload), jobs=1)


def test_a_process_without_a_sim_says_what_it_needs() -> None:
    class Bare:
        def __init__(self, stage: Stage, params: Params) -> None: ...

        @process
        async def buy(self) -> None: ...

    with pytest.raises(DesignError, match=r"Bare has no sim, which its @process methods need: self.sim = stage.sim"):
        one_run(Bare)


def test_an_error_in_a_worker_is_the_same_sentence() -> None:
    with pytest.raises(WrongInput, match="stock is -1; it can be 0 to 1,000"):
        run(experiment, jobs=2, stock=-1)


# --- asyncio in the tunnel ---------------------------------------------------------------------------------------
class Echo:
    """A server and its clients, in plain asyncio, on simulated hosts."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.stage = stage
        self.server = stage.host("server")

    def start(self) -> None:
        self.server.start(self.serve)

    async def serve(self) -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())
            writer.close()

        async with await asyncio.start_server(answer, "0.0.0.0", 7) as server:
            await server.serve_forever()

    async def buy(self) -> str:
        async with asyncio.timeout(1.0):
            reader, writer = await asyncio.open_connection("server", 7)
            writer.write(f"{self.stage.request}\n".encode())
            line = await reader.readline()
            writer.close()
            if not line:
                raise ConnectionResetError
            return line.decode().strip()


EVERY_SECOND = [Op(float(i), "a", "buy") for i in range(6)]


def test_a_design_in_plain_asyncio_runs_in_virtual_time() -> None:
    history = one_run(Echo, workload=lambda p, r: EVERY_SECOND)
    assert [(e.outcome, e.value) for e in history] == [("ok", str(i)) for i in range(6)]
    assert all(0 < latency < 0.1 for latency in history.latencies())
    assert 5 < history.duration < 5.1


@pytest.mark.parametrize(
    "fault",
    [
        split("server", at_s=1.5, for_s=2.0),
        crash("server", at_s=1.5, for_s=2.0),
    ],
    ids=["partition", "crash"],
)
def test_faults_of_hosts_and_networks_make_outcomes_unknown_for_a_while(fault: Fault) -> None:
    history = one_run(Echo, workload=lambda p, r: EVERY_SECOND, faults=(fault,))
    assert [e.outcome for e in sorted(history, key=lambda e: e.id)] == ["ok", "ok", "unknown", "unknown", "ok", "ok"]


def test_requests_of_asyncio_designs_have_luck_of_their_own() -> None:
    class Lucky:
        """Draws in a task of a task."""

        def __init__(self, stage: Stage, params: Params) -> None:
            self.stage = stage

        async def buy(self) -> float:
            async def draw() -> float:
                await asyncio.sleep(0.01)
                return self.stage.luck("buy").random()

            async with asyncio.TaskGroup() as group:
                task = group.create_task(draw())
            return task.result()

    def without(gone: int) -> dict[int, float]:
        ops = [op._replace(id=i) for i, op in enumerate(EVERY_SECOND)]
        return {e.id: e.value for e in one_run(Lucky, workload=lambda p, r: [op for op in ops if op.id != gone])}

    everything = without(-1)
    assert len(set(everything.values())) == 6
    assert without(2) == {i: v for i, v in everything.items() if i != 2}


def test_a_broken_task_is_named_with_its_line() -> None:
    class Broken(Echo):
        async def buy(self) -> str:
            await asyncio.sleep(0.001)
            raise KeyError("lost")

    with pytest.raises(DesignError, match=r"^Design one is broken: buy raised KeyError: 'lost' at test_run.py:\d+.$"):
        one_run(Broken)


def test_asyncio_that_never_answers_is_unfinished() -> None:
    class Deaf(Echo):
        async def buy(self) -> str:
            await asyncio.Event().wait()
            return ""

    assert {(e.outcome, e.value) for e in one_run(Deaf)} == {("unknown", "unfinished")}


# --- loops -------------------------------------------------------------------------------------------------------
class Slow:
    """One second for each."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.sim = stage.sim

    @process
    async def buy(self) -> None:
        await self.sim.sleep(1.0)


def test_latency_counts_from_the_due_time() -> None:
    class Clogged(Slow):
        def buy(self) -> None:  # type: ignore[override]  # answers at once, after the world was stopped
            self.sim.now_ns += 1_000_000_000

    history = one_run(Clogged, workload=lambda p, r: [Op(0.0, "a", "buy"), Op(0.0, "b", "buy")])
    assert history.latencies() == [1.0, 2.0]


def test_a_closed_loop_waits_for_its_own_answers() -> None:
    history = one_run(Slow, workload=lambda p, r: thinking(2, 3, 0.0, r, "buy"))
    assert [(e.client, e.due, e.end) for e in history] == [
        (client, float(i), i + 1.0) for i in range(3) for client in ("client 0", "client 1")
    ]


def test_a_thinking_client_pauses() -> None:
    ops = [Op(0.0, "a", "buy", think_s=0.5), Op(5.0, "a", "buy", think_s=0.5), Op(0.0, "a", "buy", think_s=2.0)]
    history = one_run(Slow, workload=lambda p, r: ops)
    assert [e.due for e in history] == [0.5, 3.5, 5.0] or [e.due for e in history] == [0.5, 3.5, 5.5]


# --- faults ------------------------------------------------------------------------------------------------------
class Till(Slow):
    """Answers at once while it is open."""

    def __init__(self, stage: Stage, params: Params) -> None:
        super().__init__(stage, params)
        self.is_open = True
        stage.add("till", self)

    def close_till(self) -> None:
        self.is_open = False

    def open_till(self) -> None:
        self.is_open = True

    def buy(self) -> None:  # type: ignore[override]
        if not self.is_open:
            raise ConnectionRefusedError


def test_faults_come_and_go_at_their_time() -> None:
    ops = [Op(float(i), "a", "buy") for i in range(6)]
    faults = (call("till", "close_till", at_s=1.5, for_s=2.0, end="open_till"),)
    history = one_run(Till, workload=lambda p, r: ops, faults=faults)
    assert [e.outcome for e in history] == ["ok", "ok", "unknown", "unknown", "ok", "ok"]


def test_faults_may_depend_on_the_parameters() -> None:
    ops = [Op(float(i), "a", "buy") for i in range(3)]
    history = one_run(
        Till, workload=lambda p, r: ops, faults=lambda p: (call("till", "close_till", at_s=p.stock / 10 - 0.5),)
    )
    assert [e.outcome for e in history] == ["ok", "unknown", "unknown"]


def test_a_fault_that_hits_nothing_is_named() -> None:
    with pytest.raises(WrongInput, match=r"no thing on stage sim named tll; did you mean till\?"):
        one_run(Till, faults=(call("tll", "close_till", at_s=1.0),))
    with pytest.raises(WrongInput, match=r"A fault calls till\.explode, and till cannot do that"):
        one_run(Till, faults=(call("till", "explode", at_s=1.0),))


# --- wrong input -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"stage": "moon"}, "toy-shop runs on stage sim, not on moon."),
        ({"designs": ["nave"]}, "There is no design nave; did you mean naive?"),
        ({"seeds": []}, "A run needs one seed at least."),
        ({"stok": 3}, "There is no parameter stok; did you mean stock?"),
        ({"stock": 5000}, "stock is 5000; it can be 0 to 1,000 (tickets)."),
    ],
)
def test_wrong_input_is_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WrongInput) as raised:
        run(experiment, jobs=1, **options)
    assert str(raised.value) == sentence


def test_a_design_or_parameter_with_an_impossible_name_is_refused() -> None:
    with pytest.raises(WrongInput, match="cannot name a design"):
        with_designs(**{"two-choices": LookThenWrite})


# --- designs from a file -----------------------------------------------------------------------------------------
MINE = """
from helpers import toy_shop

class MyOwnIdea(toy_shop.OneStep):
    "Better."
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_design_from_a_file_is_one_more_column(tmp_path: Path, jobs: int) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    result = run(experiment, with_file=str(file), jobs=jobs)
    assert result.designs == ["naive", "one_step", "my_own_idea"]
    assert result.samples("my_own_idea", "sold") == result.samples("one_step", "sold")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("class Mine(:\n", r"mine.py cannot be read: invalid syntax in line 1"),
        ("x = 3\n", r"mine.py defines no class; a design is a class that takes \(stage, params\)"),
        ("import nowhere_at_all\n", r"mine.py cannot be loaded: ModuleNotFoundError"),
        ("class Naive:\n    pass\n", r"mine.py has a class for naive, and toy-shop has that design; rename the class"),
    ],
)
def test_a_file_without_a_design_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(WrongInput, match=sentence):
        run(experiment, with_file=str(file), jobs=1)


def test_a_design_from_a_file_without_the_method_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("class Mine:\n    def __init__(self, stage, params): ...\n")
    with pytest.raises(WrongInput, match=r"Design mine \(Mine\) has no method buy"):
        run(experiment, with_file=str(file), jobs=2)


def test_histories_are_written_down(tmp_path: Path) -> None:
    run(experiment, seeds=1, jobs=1, histories=tmp_path)
    lines = (tmp_path / "naive-0.jsonl").read_text().splitlines()
    assert len(lines) == 100
    assert json.loads(lines[0])["name"] == "buy"


def test_progress_is_told_after_each_job() -> None:
    told: list[tuple[int, int]] = []
    run(experiment, jobs=2, progress=lambda done, total, design, seed: told.append((done, total)))
    assert told == [(i, 9) for i in range(1, 10)]
