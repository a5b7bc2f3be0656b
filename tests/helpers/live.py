"""An experiment on real processes: beside the model, and stopped in the middle."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from helpers.left import NOTHING, Place
from windtunnel.lab.discovery import find
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.result import Result
from windtunnel.lab.run import judged, run
from windtunnel.lab.running.pool import work
from windtunnel.lab.running.work import Done, Job

PROGRAM = """
from windtunnel.lab.discovery import find
from windtunnel.lab.run import run

run(find({name!r}), stage="machine", seeds=[0], designs={designs!r}, jobs=1, **{params!r})
"""


def never(job: Job) -> bool:
    """No run has the machine to itself."""
    return False


def both(
    name: str,
    expressions: Collection[str],
    designs: list[str] | None = None,
    at_once: int = 1,
    alone: Callable[[Job], bool] = never,
) -> tuple[Result, Result]:
    """What an experiment finds of these claims alone, in the tunnel and on real processes."""
    whole = find(name)
    claims = [claim for claim in whole.claims if claim.expression in expressions]
    experiment = replace(whole, claims=claims, figures=(), why=(), asks=(), module=whole.module)
    model = run(experiment, stage="sim", seeds=[0], designs=designs, jobs=1)
    return model, real(experiment, "machine", designs, at_once, alone)


@contextmanager
def ahead() -> Iterator[None]:
    """What is started here goes before all other work of this machine, where we may say so: it stands for machines of
    its own, and is measured. The servers of our programs say it of themselves; their clients have to be as much in
    time."""
    policy = None
    if hasattr(os, "sched_setscheduler"):
        before = os.sched_getscheduler(0), os.sched_getparam(0)
        with suppress(PermissionError):  # only the administrator may
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
            policy = before
    try:
        yield
    finally:
        if policy is not None:
            os.sched_setscheduler(0, *policy)


def real(
    experiment: Experiment[Any],
    stage: str,
    designs: list[str] | None = None,
    at_once: int = 1,
    alone: Callable[[Job], bool] = never,
    *,
    quick: bool = False,
    **params: object,
) -> Result:
    """What it finds for real, with so many designs side by side, each with servers of its own.

    More than one where servers wait for something slower than a processor, so that none of them takes it from another;
    what takes all of it is alone.
    """

    def do(jobs: list[Job]) -> list[Done]:
        done: dict[int, Done] = {}
        for count, by_itself in ((1, True), (at_once, False)):
            if those := [i for i, job in enumerate(jobs) if alone(job) is by_itself]:
                with ahead():
                    found = work(experiment.module, "", [jobs[i] for i in those], count, lambda job, one: None)
                done |= dict(zip(those, found, strict=True))
        return [done[i] for i in range(len(jobs))]

    return judged(experiment, stage, do, [0], designs, quick, params)


def assert_ctrl_c_leaves_nothing(place: Place, name: str, design: str, listening: int, **params: Any) -> None:
    """Stop a run by Ctrl-C once so many sockets listen."""
    starter = place.launch(PROGRAM.format(name=name, designs=[design], params=params))
    while len(place.now().sockets) < listening:
        assert starter.poll() is None
    starter.send_signal(signal.SIGINT)
    assert place.after() == NOTHING
    assert starter.wait() != 0
