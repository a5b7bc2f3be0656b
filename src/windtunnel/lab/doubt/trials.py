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
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from windtunnel.lab.errors import DesignError, WrongInput
from windtunnel.lab.running.pool import ONE_THREAD


@dataclass(frozen=True, slots=True)
class Trial:
    """One run: of an experiment, perhaps changed, with parameters and seeds."""

    module: str
    file: str = ""
    """Where the experiment is a file of its own, outside of the catalogue."""
    params: Mapping[str, Any] = field(default_factory=dict)
    seeds: Sequence[int] = (0,)
    quick: bool = True
    mutant: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial.

    Attributes:
        wrong: why there is no result: what kind of thing went wrong, and a sentence; empty where there is one.
        claims: of each claim its verdict, and that on each seed.
        figures: of each figure its verdict.
        digests: by design and setting, of each seed.
        not_numbers: measurements that are no number, as DESIGN.MEASURE.
    """

    wrong: tuple[str, str] | None = None
    claims: Sequence[tuple[str, Sequence[bool | None]]] = ()
    figures: Sequence[str] = ()
    digests: Mapping[str, Sequence[str]] = field(default_factory=dict)
    not_numbers: Sequence[str] = ()
    cpu_s: float = 0.0
    memory_mb: float = 0.0


def perform(trial: Trial) -> Outcome:
    """Run it here."""
    from windtunnel.lab.discovery import find, load
    from windtunnel.lab.doubt.mutants import Mutant, apply
    from windtunnel.lab.run import run

    start = time.process_time()
    try:
        experiment = find(trial.file) if trial.file else load(trial.module)
        if trial.mutant:
            experiment = apply(experiment, Mutant(**trial.mutant))
        found = run(experiment, seeds=list(trial.seeds), quick=trial.quick, jobs=1, **trial.params)
    except DesignError as error:
        return Outcome(("design", str(error)), cpu_s=time.process_time() - start)
    except WrongInput as error:
        kind = "refused" if not trial.mutant and " is broken: " not in str(error) else "experiment"
        return Outcome((kind, str(error)), cpu_s=time.process_time() - start)
    except Exception as error:
        return Outcome(("crash", f"{type(error).__name__}: {error}"), cpu_s=time.process_time() - start)
    digests: dict[str, list[str]] = {}
    bad = []
    for one in found.runs:
        digests.setdefault(f"{one.design} {one.setting}", []).append(one.digest)
        bad += [f"{one.design}.{name}" for name, value in one.measures.items() if math.isnan(value)]
    return Outcome(
        None,
        [(claim.verdict, claim.seeds) for claim in found.claims],
        [figure.verdict for figure in found.figures],
        digests,
        list(dict.fromkeys(bad)),
        time.process_time() - start,
        _memory_mb(),
    )


class Worker:
    """A process that performs trials, one at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()

    def ask(self, trial: Trial, limit_s: float) -> Outcome:
        """Perform a trial; one that takes longer than `limit_s`, or takes the process with it, is told as such."""
        if self._process is None:
            self._start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(asdict(trial)) + "\n")
            process.stdin.flush()
            line = self._answers.get(timeout=limit_s)
        except queue.Empty:
            self.close()
            return Outcome(("time", f"It took more than {limit_s:g} s."))
        except OSError:
            line = ""
        if not line:
            self.close()
            return Outcome(("crash", "The process ended in the middle of it."))
        said = json.loads(line)
        return Outcome(**{**said, "wrong": tuple(said["wrong"]) if said["wrong"] else None})

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
