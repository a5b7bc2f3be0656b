"""Runs of an experiment that somebody doubts, each in a worker that is stopped when it takes too long.

A worker is asked for one run after the other, by lines of JSON; one that hangs or dies takes one trial with it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from windtunnel.lab.errors import DesignError, WrongInput, raised
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.result import Result
from windtunnel.lab.running.pool import ONE_THREAD
from windtunnel.lab.running.work import Done, Job, cpu_s, execute
from windtunnel.lab.statistics import NotMeasurable

MEMORY_MB = 4000
"""Of a worker."""
PATIENCE = 20.0
"""Seconds of the wall for each second of CPU that a trial may take, on a machine that others use too."""
BEARING = 2
"""Designs that are looked at where a change has a bearing on more: what they share, one of them shows."""
KEPT = 20_000
"""Jobs of the unchanged experiment that a worker remembers, since a mutant changes one design of several."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One run: of an experiment, perhaps changed, with parameters and seeds.

    `designs`: which; all where empty. `elsewhere`: other parameters; the trial then says in which of them first the
    changed designs do something else than the original.
    """

    module: str
    file: str = ""
    """Where the experiment is a file of its own, outside of the catalogue."""
    params: Mapping[str, Any] = field(default_factory=dict)
    seeds: Sequence[int] = (0,)
    quick: bool = True
    mutant: Mapping[str, Any] = field(default_factory=dict)
    designs: Sequence[str] = ()
    elsewhere: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial.

    Attributes:
        wrong: why there is no result: what kind of thing went wrong, and a sentence; empty where there is one.
        claims: of each claim its verdict, and whether it holds of the measurements of each seed by itself.
        figures: of each figure its verdict.
        digests: by design and setting, of each seed.
        not_numbers: measurements that are no number, as DESIGN.MEASURE.
        differs: the first of `elsewhere` in which something else happened.
    """

    wrong: tuple[str, str] | None = None
    claims: Sequence[tuple[str, Sequence[bool | None]]] = ()
    figures: Sequence[str] = ()
    digests: Mapping[str, Sequence[str]] = field(default_factory=dict)
    not_numbers: Sequence[str] = ()
    cpu_s: float = 0.0
    memory_mb: float = 0.0
    differs: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Outcome:
        """Back from JSON."""
        return cls(**{**said, "wrong": tuple(said["wrong"]) if said["wrong"] else None})


_done: dict[tuple[str, str, int, str], Done] = {}


def perform(trial: Trial) -> Outcome:
    """Run it here."""
    start = cpu_s()
    try:
        outcome = _performed(trial)
    except DesignError as error:
        outcome = Outcome(("design", str(error)))
    except WrongInput as error:
        kind = "refused" if not trial.mutant and " is broken: " not in str(error) else "experiment"
        outcome = Outcome((kind, str(error)))
    except MemoryError:
        outcome = Outcome(("memory", f"It needed more than {MEMORY_MB:,} MB of memory."))
    except Exception as error:
        outcome = Outcome(("crash", raised(error)))
    return replace(outcome, cpu_s=cpu_s() - start, memory_mb=_memory_mb())


def _performed(trial: Trial) -> Outcome:
    from windtunnel.lab.discovery import find, load
    from windtunnel.lab.doubt.mutants import Mutant, apply
    from windtunnel.lab.footing import choose
    from windtunnel.lab.run import judged

    original = find(trial.file) if trial.file else load(trial.module)
    experiment, changed = original, frozenset(original.designs)
    if trial.mutant:
        experiment, changed = apply(original, Mutant(**trial.mutant))
    stage = choose(original.id, original.stages, None, None)
    if trial.elsewhere:
        return Outcome(differs=_first_that_differs(original, experiment, changed, stage, trial))

    def do(todo: list[Job]) -> list[Done]:
        if not trial.mutant:
            return [_of_original(original, job) for job in todo]
        plain = [replace(job, charts=False) for job in todo]
        return [execute(experiment, job) if job.design in changed else _of_original(original, job) for job in plain]

    params = {**trial.params}
    found = judged(experiment, stage, do, list(trial.seeds), list(trial.designs) or None, trial.quick, params)
    digests: dict[str, list[str]] = {}
    bad = []
    for one in found.runs:
        digests.setdefault(f"{one.design} {one.setting}", []).append(one.digest)
        bad += [f"{one.design}.{name}" for name, value in one.measures.items() if _is_bad(value)]
    return Outcome(
        None,
        _on_each_seed(experiment, found, trial),
        [figure.verdict for figure in found.figures],
        digests,
        list(dict.fromkeys(bad)),
    )


def _is_bad(value: float) -> bool:
    """Whether it is no number, and nothing says why."""
    return math.isnan(value) and not isinstance(value, NotMeasurable)


def _on_each_seed(experiment: Experiment[Any], found: Result, trial: Trial) -> list[tuple[str, Sequence[bool | None]]]:
    """Of each claim its verdict, and its truth seed by seed: also where it is judged over means."""
    from windtunnel.lab.claims import speaks_of, truth
    from windtunnel.lab.judge import tables
    from windtunnel.lab.params import settings

    told: list[tuple[str, Sequence[bool | None]]] = []
    for claim, judged in zip(experiment.claims, found.claims, strict=True):
        seeds: Sequence[bool | None] = judged.seeds
        if claim.over == "mean" and judged.verdict in ("holds", "fails", "unknown"):
            given = {**(experiment.quick if trial.quick else {}), **trial.params, **claim.given}
            index = found.settings.index(settings(experiment.params, given))
            rows = tables(claim.expression, found.runs, index, found.settings[index], speaks_of(claim.expression))
            seeds = [truth(claim.expression, row) for row in rows]
        told.append((judged.verdict, seeds))
    return told


def _first_that_differs(
    original: Experiment[Any], experiment: Experiment[Any], changed: frozenset[str], stage: str, trial: Trial
) -> Mapping[str, Any] | None:
    """The first of the settings in which a changed design does something else; None where there is none."""
    from windtunnel.lab.params import settings

    for given in trial.elsewhere:
        params = settings(original.params, {**(original.quick if trial.quick else {}), **given})
        for design in sorted(changed)[:BEARING]:
            job = Job(stage, design, trial.seeds[0], 0, params)
            try:
                before = _of_original(original, job).digest
            except (WrongInput, DesignError):
                continue  # nothing to compare with
            try:
                after = execute(experiment, job).digest
            except (WrongInput, DesignError):
                after = ""
            if after != before:
                return given
    return None


def _of_original(original: Experiment[Any], job: Job) -> Done:
    """What came of a job of the unchanged experiment: done once."""
    key = (original.module, job.design, job.seed, json.dumps(job.params, sort_keys=True))
    if key not in _done:
        if len(_done) >= KEPT:
            _done.clear()
        # That charts can be drawn is tried; what is drawn would fill the memory.
        _done[key] = replace(execute(original, job), charts=[])
    return _done[key]


class Worker:
    """A process that performs trials, one at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()

    def ask(self, trial: Trial, limit_s: float) -> Outcome:
        """Perform a trial; one that takes more CPU than `limit_s`, or takes the process with it, is told as such."""
        if self._process is None:
            self._start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        too_long = Outcome(("time", f"It took more than {limit_s:g} s of CPU."), cpu_s=limit_s)
        try:
            process.stdin.write(json.dumps({"limit_s": limit_s, "trial": asdict(trial)}) + "\n")
            process.stdin.flush()
            # The worker looks at its own CPU; the wall is for one that waits for nothing.
            line = self._answers.get(timeout=60 + PATIENCE * limit_s)
        except queue.Empty:
            self.close()
            return Outcome(("time", f"It did not end within {60 + PATIENCE * limit_s:g} s."))
        except OSError:
            line = ""
        if not line:
            self.close()
            return Outcome(("crash", "The process ended in the middle of it."))
        said = json.loads(line)
        if said is None:
            self.close()
            return too_long
        outcome = Outcome.of(said)
        return too_long if outcome.cpu_s > limit_s else outcome

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was not yet sent has nobody to read it
                    pipe.close()

    def _start(self) -> None:
        path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "windtunnel.lab.doubt.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**dict.fromkeys(ONE_THREAD, "1"), **os.environ, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C in a terminal reaches us alone, and we stop it
        )
        answers = self._answers = queue.SimpleQueue()
        stdout = self._process.stdout
        assert stdout is not None

        def read() -> None:
            for line in stdout:
                answers.put(line)
            answers.put("")

        threading.Thread(target=read, daemon=True).start()


def _memory_mb() -> float:
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3
