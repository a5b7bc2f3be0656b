"""A trace of requests: it changes nothing, and what it says of a moment is what was so at that moment."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from windtunnel.lab.discovery import find
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.grading.trial import Trial, judged, play, shrink
from windtunnel.lab.grading.wire import of_history, to_history
from windtunnel.lab.history import History, Op
from windtunnel.lab.params import make, param, settings as settings_of
from windtunnel.lab.run import run
from windtunnel.lab.running.work import Done, Job, drive, execute
from windtunnel.lab.stage import Stage
from windtunnel.lab.trace.columns import Traces, load, packed
from windtunnel.lab.trace.reading import at, insides, life, queue_lengths, somebody_waits, topology
from windtunnel.lab.trace.recorder import Recorder, sampled
from windtunnel.lab.trace.records import Trace, unit_for
from windtunnel.parts import Impatient
from windtunnel.sim.fault import Fault, crash, cut_reply, pause, slow
from windtunnel.sim.kernel import process
from windtunnel.sim.servers.disciplines import Lifo
from windtunnel.sim.servers.processor_sharing import ProcessorSharingServer

EXPERIMENTS = (
    "honest-measurement",
    "load-balancing",
    "metastable-failure",
    "metastable-map",
    "q10-ticketmaster",
    "up-or-out",
)


# --- traces of small runs ------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Params:
    n: int = param(1, "nothing")


MAKE: dict[str, Callable[[Stage], Any]] = {
    "first come, first served": lambda stage: stage.server("s", workers=2, queue_limit=6),
    "one worker": lambda stage: stage.server("s"),
    "last come, first served": lambda stage: stage.server("s", workers=2, discipline=Lifo(), queue_limit=9),
    "shared": lambda stage: stage.add("s", ProcessorSharingServer(stage.sim, "s", workers=2)),
}


class Watched:
    """Impatient clients of one server, which is counted at moments that are given."""

    kind = "one worker"
    moments_ns: Sequence[int] = ()
    seen: list[tuple[int, int]]

    def __init__(self, stage: Stage, params: Params) -> None:
        self.server = MAKE[self.kind](stage)
        self.client = Impatient(self.server, patience_s=0.05, retries=1)
        self.client.send = self.server.submit  # type: ignore[method-assign]
        self.sim = stage.sim
        self.seen = type(self).seen = []

    def start(self) -> None:
        self.sim.spawn(self._look(), "looks", daemon=True)

    async def _look(self) -> None:
        for moment in self.moments_ns:
            await self.sim.sleep_ns(moment - self.sim.now_ns)
            serving = min(self.server.inside, self.server.workers)
            waiting = getattr(self.server, "waiting", self.server.inside - serving)
            if self.kind == "shared":
                waiting = 0
            self.seen.append((waiting, self.server.inside))

    @process
    async def get(self, work_s: float) -> None:
        await self.client.call(work_s)


def traced(
    design: Any, faults: Sequence[Fault] = (), seed: int = 0, share: float = 1.0, count: int = 120
) -> tuple[History, Trace]:
    luck = Random(seed)
    ops = [Op(luck.random() * 2, f"c{i % 3}", "get", (luck.expovariate(30.0),), i) for i in range(count)]
    ops.sort()
    ops = [op._replace(id=i) for i, op in enumerate(ops)]
    experiment: Experiment[Params] = Experiment(
        title="Traced",
        question="What happened?",
        params=Params,
        workload=lambda p, luck: ops,
        designs={"one": design},
        claims=(),
        ends_s=lambda p: 2.2,
    )
    recorder = Recorder(share)
    history = drive(experiment, "sim", "one", seed, make(Params, {}), ops, faults, recorder)
    return history, recorder.trace


FAULTS: Sequence[Sequence[Fault]] = (
    (),
    (slow("s", at_s=0.3, for_s=0.7, to=0.3),),
    (pause("s", at_s=0.5, for_s=0.2), crash("s", at_s=1.0, for_s=0.1)),
    (cut_reply("s", at_s=0.4, for_s=0.5), slow("s", at_s=0.8, for_s=0.3, to=0.5)),
)


@pytest.mark.parametrize("kind", MAKE)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 1 << 30), st.sampled_from(FAULTS), st.sampled_from([1, 1_000, 100_000, 1_000_000]))
def test_at_any_moment_as_many_wait_as_the_server_counts(
    kind: str, seed: int, faults: Sequence[Fault], unit_ns: int
) -> None:
    luck = Random(seed)
    moments = sorted({luck.randrange(2_200) * 1_000_000 + 1_000_000 for _ in range(60)} - {2_200_000_000})
    design = type("Design", (Watched,), {"kind": kind, "moments_ns": moments})
    _, trace = traced(design, faults, seed)
    trace = trace.rounded(unit_ns)
    seen = vars(design)["seen"]
    moments_s = [moment / 1e9 for moment in moments[: len(seen)]]
    # A fault strikes at the very moment at which it is looked, before or after: those are left out.
    edges = {round((f.at_s + more) * 1e9) for f in faults for more in (0.0, f.for_s or 0.0)}
    told = list(zip(queue_lengths(trace, "s", moments_s), insides(trace, "s", moments_s), strict=True))
    assert [t for t, m in zip(told, moments, strict=False) if m not in edges] == [
        s for s, m in zip(seen, moments, strict=False) if m not in edges
    ]
    for moment, (waiting, inside) in list(zip(moments_s, told, strict=True))[:10]:
        box = at(trace, moment).boxes.get("s")
        assert (len(box.waiting), len(box.waiting) + len(box.serving)) == (waiting, inside) if box else not inside


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("faults", FAULTS)
def test_what_is_packed_comes_out_again(kind: str, faults: Sequence[Fault]) -> None:
    _, trace = traced(type("Design", (Watched,), {"kind": kind}), faults)
    trace = trace.rounded(unit_for(trace.run.end))
    found = Traces([packed([trace])])[""]
    assert found == trace
    assert packed([found]) == packed([trace])


@pytest.mark.parametrize("faults", FAULTS)
def test_every_attempt_has_an_end_or_is_open(faults: Sequence[Fault]) -> None:
    history, trace = traced(Watched, faults)
    assert [r.id for r in trace.requests] == sorted(e.id for e in history)
    for one in trace.attempts:
        assert (one.ended < 0) == (one.fate == "open")
        assert one.ended < 0 or one.ended >= one.begun
        assert one.begun < 0 or one.begun >= one.sent
        assert one.used <= (one.fate == "served")
    counts = {r.id: sum(a.used for a in trace.of("attempts", r.id)) for r in trace.requests}
    assert {r.id for r in trace.requests if r.outcome == "ok"} == {i for i, n in counts.items() if n}
    assert max(counts.values()) == 1


def test_work_for_nobody_is_told_from_work_for_somebody() -> None:
    _, trace = traced(Watched, (slow("s", at_s=0.3, for_s=0.7, to=0.3),))
    dead = [one for one in trace.attempts if one.fate == "served" and not one.used]
    assert dead
    for one in dead:
        assert not somebody_waits(trace, one, one.ended * trace.unit_s)
        assert one.until - one.sent == 50_000_000
    told = [said for _, said in life(trace, dead[0].request).steps]
    assert told[0] == f"{life(trace, dead[0].request).request.client} asks for get"
    assert any(said.endswith("is done, for nobody") for said in told)
    assert any("gives attempt 1 up" in said for said in told)


def test_a_fault_is_told_by_its_number_and_its_moments() -> None:
    _, trace = traced(Watched, FAULTS[2])
    assert [mark.sentence for mark in trace.marks if mark.sentence.startswith("Fault")] == [
        "Fault 0: pause s",
        "Fault 0 ends: pause s",
        "Fault 1: crash s",
        "Fault 1 ends: crash s",
    ]
    assert dict(at(trace, 0.6).things["s"]) == {"speed": "0"}
    assert dict(at(trace, 1.05).things["s"]) == {"up": "down"}
    assert "s" not in at(trace, 1.5).things
    assert {change.why for change in trace.changes} == {0, 1}


def test_a_sample_keeps_whatever_went_wrong_and_the_same_requests_each_time() -> None:
    history, trace = traced(Watched, FAULTS[1], share=0.2)
    _, whole = traced(Watched, FAULTS[1])
    kept = {r.id for r in trace.requests}
    assert kept >= {e.id for e in history if e.outcome != "ok"}
    assert kept >= {one.request for one in whole.attempts if not one.used}
    assert kept >= {r.id for r in whole.requests if sampled(r.id, 0.2)}
    assert len(kept) < len(whole.requests)
    assert trace.ways == whole.ways
    assert [r for r in whole.requests if r.id in kept] == trace.requests
    assert [a for a in whole.attempts if a.request in kept] == trace.attempts


def test_a_sample_is_a_share_of_the_ids() -> None:
    assert sum(sampled(i, 0.25) for i in range(10_000)) == pytest.approx(2_500, rel=0.1)
    assert all(sampled(i, 0.5) for i in range(1_000) if sampled(i, 0.25))


# --- the experiments -----------------------------------------------------------------------------------------------
TOPOLOGIES = Path(__file__).parent / "topologies.txt"


def played(name: str, trace: bool) -> dict[str, Done]:
    """Each design with the first seed in the setting of the tests."""
    experiment = find(name)
    params = settings_of(experiment.params, experiment.quick)
    return {design: execute(experiment, Job("sim", design, 0, 0, params, trace=trace)) for design in experiment.designs}


@pytest.fixture(scope="module")
def done() -> dict[str, dict[str, Done]]:
    return {name: played(name, trace=True) for name in EXPERIMENTS}


@pytest.fixture(scope="module")
def traces(done: dict[str, dict[str, Done]]) -> dict[str, Traces]:
    return {name: Traces(b64decode(one.trace) for one in found.values()) for name, found in done.items()}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_with_a_trace_the_same_happens(name: str, done: dict[str, dict[str, Done]]) -> None:
    plain = played(name, trace=False)
    assert {d: one.digest for d, one in plain.items()} == {d: one.digest for d, one in done[name].items()}
    assert not any(one.trace for one in plain.values())


def test_the_topology_of_each_experiment_is_what_a_person_would_draw(traces: dict[str, Traces]) -> None:
    told = [f"{n}, {d}\n{topology(t).text()}\n" for n, found in traces.items() for d, t in found.items()]
    assert "\n".join(told) == TOPOLOGIES.read_text("utf-8")


def test_an_attempt_takes_few_bytes(traces: dict[str, Traces]) -> None:
    most = {"honest-measurement": 1.6, "metastable-failure": 2.0, "up-or-out": 4.0, "load-balancing": 6.0}
    for name, limit in most.items():
        attempts = sum(len(trace.attempts) for trace in traces[name].values())
        assert len(packed(traces[name].values())) / attempts < limit, name


def test_messages_stand_beside_the_calls_that_they_carry(traces: dict[str, Traces]) -> None:
    trace = traces["q10-ticketmaster"]["row_lock"]
    for request in trace.requests:
        calls, messages = trace.of("attempts", request.id), trace.of("messages", request.id)
        assert len(messages) >= 2 * len(calls)
        for one in calls:
            assert any(m.source == "clients" and m.sent <= one.begun and m.arrived <= one.begun for m in messages)


# --- diagrams ------------------------------------------------------------------------------------------------------
def test_the_smallest_failing_case_shows_its_messages() -> None:
    experiment = find("q10-ticketmaster")
    params = settings_of(experiment.params, {**experiment.quick, "stock": 1, "buyers": 6})

    def plays(
        design: str, trial: Trial, ops: list[Op] | None, faults: Sequence[Fault] | None
    ) -> tuple[History, dict[str, float]]:
        history = to_history(of_history(play(experiment, design, trial, ops, faults)), ops or [], False)
        return history, judged(experiment, history, make(experiment.params, params))

    case = shrink(
        experiment,
        plays,
        "look_then_write",
        Trial(0, params),
        lambda of: of["look_then_write"]["oversold"] > 0,
        tries=30,
    )
    assert len(case.ops) == 2
    text = case.to_dict()["text"]
    lanes = text.splitlines()[0].split()
    assert lanes[-1] == "db"
    assert "clients" not in lanes
    assert text.count("• call to db") == text.count("• call from ") == text.count("• answer to ") >= 6


# --- files ---------------------------------------------------------------------------------------------------------
def test_a_file_of_traces_says_the_same_as_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from windtunnel.ui import cli

    file = tmp_path / "trace"
    arguments = ("run", "up-or-out", "--quick", "--seeds", "3", "--designs", "coin_toss,one_machine", "--jobs", "2")
    with pytest.raises(SystemExit):
        cli.main([*arguments, "--trace", str(file)])
    capsys.readouterr()
    result = run(find("up-or-out"), quick=True, seeds=1, designs=["coin_toss", "one_machine"], trace=True, jobs=1)
    found = load(file)
    assert result.trace is not None
    assert list(found) == ["coin_toss", "one_machine"]
    assert dict(found) == dict(result.trace)
    assert "trace" not in result.to_dict()


def test_a_wrong_file_is_one_sentence(tmp_path: Path, traces: dict[str, Traces]) -> None:
    good = packed(traces["up-or-out"].values())
    for number, data in enumerate((b"", b"windtunnel", good[:-9], good[:19] + b"?" + good[20:], b"{}", good[:19])):
        file = tmp_path / str(number)
        file.write_bytes(data)
        with pytest.raises(WrongInput, match=r"is no trace that `windtunnel run --trace` wrote, or it is damaged\.$"):
            load(file)
    with pytest.raises(WrongInput, match="cannot be read"):
        load(tmp_path / "none")


def test_a_real_stage_has_no_trace() -> None:
    with pytest.raises(WrongInput, match="recorded in the tunnel"):
        run(find("q10-ticketmaster"), "sqlite", quick=True, seeds=1, trace=True)
