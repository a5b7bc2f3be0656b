"""One job of a run: one design, one seed, one setting. The same function serves in this process and in a worker."""

from __future__ import annotations

import json
import os
import time
import traceback
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from windtunnel.collecting import collecting_rarely
from windtunnel.engines.errors import Unavailable
from windtunnel.lab.charts import Row, values
from windtunnel.lab.errors import DesignError, WrongInput, raised, unwritten
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.history import History, Op
from windtunnel.lab.measures import standard
from windtunnel.lab.params import make
from windtunnel.lab.running.outcomes import UNREPORTED, broken
from windtunnel.lab.statistics import NotMeasurable
from windtunnel.sim.fault import Fault
from windtunnel.sim.tier import native

if TYPE_CHECKING:
    from windtunnel.lab.stage import Stage
    from windtunnel.lab.trace.recorder import Recorder as Tracer
    from windtunnel.lab.trace.records import Trace
    from windtunnel.sim.losing import Losing


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done.

    Attributes:
        moved: faults that begin at another second: the place of each among the experiment's, and the second.
        history: where to write the events down, if anywhere.
        turn_s: from this second on all luck is that of `turn_seed`; below 0 never.
        without: what is left out, as ("fault", its place), ("request", first id, last id) and ("message", first
            number, last number): messages are numbered as they are sent. Where the last is less it is none, and they
            are only counted.
    """

    stage: str
    design: str
    seed: int
    setting: int
    params: dict[str, Any] = field(default_factory=dict)
    charts: bool = False
    history: str = ""
    trace: bool = False
    turn_s: float = -1.0
    turn_seed: int = 0
    without: Sequence[Sequence[Any]] = ()
    moved: Sequence[Sequence[Any]] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it, as plain data.

    Attributes:
        trace: `windtunnel.lab.trace.columns.packed`, in base 64.
        sent: how many messages, where the job speaks of them.
        lost: those that it left out, in words.
    """

    measures: dict[str, float]
    digest: str
    charts: list[dict[str, list[Row]]]
    cpu_s: float
    trace: str = ""
    sent: int = 0
    lost: list[str] = field(default_factory=list)


_last: tuple[Experiment[Any], Any, int, list[Op]] | None = None
"""The workload made last: the jobs of a seed come one after the other, and each design serves the same requests."""


def workload(experiment: Experiment[Any], params: Any, seed: int) -> list[Op]:
    """The requests of a seed in the order of their due time, numbered; the same for every design."""
    from windtunnel.sim.randomness import stream

    try:
        ops = sorted(experiment.workload(params, stream(seed, "workload")), key=lambda op: op.at)
    except MemoryError:
        raise
    except Exception as error:
        raise _broken(experiment, "workload", error) from error
    found: list[Op] | None = None if native is None else native.numbered(ops)
    if found is not None:
        return found
    for op in ops:
        if not isinstance(op.args, tuple):
            raise WrongInput(
                f"Experiment {experiment.id} is broken: the args of its request {op.name} are {op.args!r}; they are a "
                "tuple, as in (7,)."
            )
    return [op._replace(id=i) if op.id < 0 else op for i, op in enumerate(ops)]


def faults_of(experiment: Experiment[Any], params: Any) -> Sequence[Fault]:
    """What goes wrong with these parameters. Raises WrongInput."""
    try:
        found = experiment.faults_for(params)
    except Exception as error:
        raise _broken(experiment, "faults", error) from error
    if not isinstance(found, Sequence) or not all(isinstance(fault, Fault) for fault in found):
        raise WrongInput(
            f"Experiment {experiment.id} is broken: its faults are {found!r}; they are a tuple of faults, as in "
            '(crash("node 0", at_s=3),).'
        )
    return found


def _shared_workload(experiment: Experiment[Any], params: Any, seed: int) -> list[Op]:
    global _last
    if _last is None or _last[0] is not experiment or _last[1:3] != (params, seed):
        _last = (experiment, params, seed, workload(experiment, params, seed))
    return _last[3]


def history_of(
    experiment: Experiment[Any], job: Job, tracer: Tracer | None = None, losing: Losing | None = None
) -> History:
    """Let the design serve the requests and return what happened. Raises WrongInput or DesignError."""
    params = make(experiment.params, job.params)
    ops, faults = _shared_workload(experiment, params, job.seed), faults_of(experiment, params)
    turn = None
    if job.turn_s >= 0:
        from windtunnel.lab.running.otherwise import turned

        turn = (job.turn_s, job.turn_seed)
        ops = turned(ops, workload(experiment, params, job.turn_seed), job.turn_s)
    if job.moved:
        from windtunnel.lab.running.otherwise import moved

        faults = moved(faults, job.moved)
    if job.without:
        from windtunnel.lab.running.otherwise import left

        ops, faults = left(ops, faults, job.without)
    return drive(experiment, job.stage, job.design, job.seed, params, ops, faults, tracer, turn=turn, losing=losing)


def drive(
    experiment: Experiment[Any],
    stage_name: str,
    design_name: str,
    seed: int,
    params: Any,
    ops: list[Op],
    faults: Sequence[Fault],
    tracer: Tracer | None = None,
    watched: bool = False,
    turn: tuple[float, int] | None = None,
    losing: Losing | None = None,
) -> History:
    """As `history_of`, with requests and faults of the caller's own: a shrinker leaves some out.

    Args:
        tracer: records the run; in the tunnel alone.
        watched: in the tunnel, the history says what the engines held (`History.held`).
        turn: from this second on the luck is that of this seed; in the tunnel alone.
        losing: messages that get lost; in the tunnel alone.
    """
    from windtunnel.lab.stage import open_stage

    stage = open_stage(stage_name, seed)
    stage.faults = faults
    if tracer is not None:
        stage.sim.trace = tracer
    if losing is not None:
        stage.sim.network.losing = losing
    watch = None
    if watched and stage_name == "sim":
        from windtunnel.lab.running.watch import Watch

        watch = Watch(stage)
    design = made(experiment, stage, design_name, params)
    ends_s = experiment.ends_s(params) if experiment.ends_s is not None else None
    try:
        if stage_name == "sim":
            from windtunnel.lab.running.drive_sim import Drive

            with watch.noting if watch is not None else nullcontext():
                simulated = Drive(stage, design_name, design, ops, tracer, watch, turn)
                simulated.losing = losing
                return simulated.run(faults, ends_s)
        from windtunnel.lab.running.drive_live import LiveDrive

        return LiveDrive(stage, design_name, design, ops).run(faults, ends_s)
    except SystemExit as error:  # what a design does must not look like the end of our own program
        raise broken(design_name, design, "a method of it", error) from error


def made(experiment: Experiment[Any], stage: Stage, name: str, params: Any) -> object:
    """The design, in its rig where there is one, and beside it the experiment's other clients.

    Where it cannot be made, or Ctrl-C ends its making, what it has opened until then is closed. Raises WrongInput or
    DesignError.
    """
    make_design = experiment.designs[name]
    try:
        design = stage.inside(make_design, stage, params)
        if experiment.others is not None:
            stage.others = stage.inside(experiment.others, stage, params)
        return design if experiment.rig is None else stage.inside(experiment.rig, design, stage, params)
    except BaseException as error:
        if stage.name != "sim":
            import asyncio

            asyncio.run(stage.close())
        if isinstance(error, WrongInput | Unavailable) or not isinstance(error, Exception | SystemExit):
            raise
        raise broken(name, make_design, "its constructor", error) from error


def measured(experiment: Experiment[Any], history: History, params: Any, design: str = "") -> dict[str, float]:
    """Everything that is measured on a history, by name, and audited where it was watched. Raises WrongInput."""
    warmup_s = experiment.warmup_s(params) if experiment.warmup_s is not None else 0.0
    measures: dict[str, Any] = standard(history, warmup_s)
    if experiment.measure is not None and UNREPORTED not in history.facts:
        try:
            measures |= experiment.measure(history, params)
        except KeyError as error:
            if not error.args or error.args[0] in history.facts or not isinstance(error.args[0], str):
                raise _broken(experiment, "measure", error) from error
            who = f"Design {design}" if design else "The design"
            raise WrongInput(f"{who} has to report() its {error.args[0]}, which {experiment.id} measures.") from error
        except Exception as error:
            raise _broken(experiment, "measure", error) from error
    if experiment.audit is not None and history.held is not None:
        try:
            measures |= experiment.audit(history, history.held, params)
        except Exception as error:
            raise _broken(experiment, "audit", error) from error
    return {name: _plain(value) for name, value in measures.items()}


def execute(experiment: Experiment[Any], job: Job) -> Done:
    """Do one job: drive, then measure."""
    with collecting_rarely() if job.stage == "sim" else nullcontext():
        return _execute(experiment, job)


def _execute(experiment: Experiment[Any], job: Job) -> Done:
    from windtunnel.lab.digest import digest

    begin_s = cpu_s()
    tracer = _tracer(experiment, job) if job.trace else None
    losing = _losing(job) if job.without else None
    history = history_of(experiment, job, tracer, losing)
    params = make(experiment.params, job.params)
    measures = measured(experiment, history, params, job.design)
    charts = []
    for chart in experiment.charts if job.charts else ():
        try:
            charts.append(values(chart, history, params))
        except Exception as error:
            raise _broken(experiment, f"chart {chart.title!r}", error) from error
    if job.history:
        _write_down(history, job.history)
    found = digest(history, timed=job.stage == "sim")
    used_s = cpu_s() - begin_s
    trace = "" if tracer is None else _packed(tracer, job, found)
    if losing is None:
        return Done(measures, found, charts, used_s, trace)
    return Done(measures, found, charts, used_s, trace, losing.sent, losing.lost)


def _losing(job: Job) -> Losing | None:
    """The messages that are left out, where it speaks of any."""
    spans = [(one[1], one[2]) for one in job.without if one[0] == "message"]
    if not spans:
        return None
    from windtunnel.sim.losing import Losing

    return Losing(spans)


def cpu_s() -> float:
    """Of this process, and of its children that have ended: a stage ends those that it has started."""
    try:
        from resource import RUSAGE_CHILDREN, getrusage
    except ImportError:  # Windows
        return time.process_time()
    ended = getrusage(RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def _tracer(experiment: Experiment[Any], job: Job, *, quotes: bool = True) -> Tracer:
    """A recorder that keeps all requests of a small run, and a sample of a large one's."""
    from windtunnel.lab.trace.recorder import MOST_REQUESTS, Recorder

    ops = _shared_workload(experiment, make(experiment.params, job.params), job.seed)
    return Recorder(min(1.0, MOST_REQUESTS / max(1, len(ops))), quotes=quotes)


def traced(experiment: Experiment[Any], job: Job) -> tuple[dict[str, float], Trace]:
    """What a job in the tunnel measures, and its trace as it is, without what messages carry: for who draws it."""
    from windtunnel.lab.digest import digest

    with collecting_rarely():
        tracer = _tracer(experiment, job, quotes=False)
        history = history_of(experiment, job, tracer)
        measures = measured(experiment, history, make(experiment.params, job.params), job.design)
        return measures, _trace_of(tracer, job, digest(history, timed=True))


def _packed(tracer: Tracer, job: Job, found: str) -> str:
    """What it recorded, as text that a worker can hand over."""
    from base64 import b64encode

    from windtunnel.lab.trace.columns import packed

    return b64encode(packed([_trace_of(tracer, job, found)])).decode()


def _trace_of(tracer: Tracer, job: Job, found: str) -> Trace:
    """What it recorded, in the unit of a file, with what was run."""
    from windtunnel.lab.trace.records import unit_for

    trace = tracer.trace.rounded(unit_for(tracer.trace.run.end))
    run = trace.run._replace(design=job.design, seed=job.seed, setting=dict(job.params), digest=found)
    return replace(trace, run=run)


def _plain(value: Any) -> float:
    if isinstance(value, NotMeasurable):
        return value  # with its reason
    if isinstance(value, bool) or not isinstance(value, int | float):
        return float(value)
    return value if type(value) in (int, float) else float(value)


def _broken(experiment: Experiment[Any], what: str, error: BaseException) -> WrongInput:
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}"
    return WrongInput(f"Experiment {experiment.id} is broken: its {what} raised {raised(error)} at {where}.")


def _write_down(history: History, path: str) -> None:
    """A line of JSON for each event, as `windtunnel check` reads it."""
    from pathlib import Path

    from windtunnel.lab.result import write

    lines = [json.dumps(event._asdict(), default=_listed) for event in history]
    try:
        write(Path(path), "\n".join(lines) + "\n")
    except OSError as error:
        raise WrongInput(unwritten(path, error)) from error


def _listed(value: Any) -> Any:
    return sorted(value, key=repr) if isinstance(value, set | frozenset) else str(value)


def load(module: str, with_file: str) -> Experiment[Any]:
    """The experiment of a module, with the design of a file beside its own where one is given."""
    import importlib

    experiment: Experiment[Any] = importlib.import_module(module).experiment
    if with_file:
        from windtunnel.lab.outside import with_design

        experiment = with_design(experiment, with_file)
    return experiment


def serve(lines: Any, answer: Any) -> None:
    """A worker's life: the experiment first, then a job a line; each is answered with a line."""
    first = json.loads(next(lines))
    experiment: Experiment[Any] | None = None
    for line in lines:
        try:
            if experiment is None:
                experiment = load(first["module"], first["with_file"])
            reply: dict[str, Any] = {"done": asdict(execute(experiment, Job(**json.loads(line))))}
        except (WrongInput, DesignError) as error:
            reply = {"wrong": type(error).__name__, "text": str(error)}
        except MemoryError:
            reply = {"wrong": "memory"}
        except Exception as error:
            reply = {"wrong": "crash", "text": traceback.format_exc(), "type": type(error).__name__}
        answer(json.dumps(reply))
