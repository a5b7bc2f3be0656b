"""Tasks of simulated asyncio hosts: against SimPy with our sleep, against other deterministic loops with asyncio's.

The other loops need Python 3.12. Where this interpreter has them, or the one that `WINDTUNNEL_PEER_PYTHON` names,
ours runs beside them there, in one process and in turns (see `asyncio_tier_jobs`). Elsewhere those rows are skipped.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from bench import asyncio_tier_jobs as jobs
from bench.elsewhere import at_rate, peer_python
from bench.harness import Row, Skip, Timed

TASKS, SLEEPS = 1000, 200


def rows() -> Iterator[Row]:
    yield Row(
        f"our sleep in tasks of a host, {TASKS} tasks × {SLEEPS} sleeps",
        {"ours": our_sleeps, "simpy, generators": simpy_sleeps},
        unit="sleeps/s",
        bar=1.0,
        packages=("simpy",),
    )
    yield Row(
        "asyncio.sleep in tasks of a host, the same sleeps",
        {"ours": asyncio_sleeps, "simpy, generators": simpy_sleeps},
        unit="sleeps/s",
        note="unmodified asyncio code pays for a future and a handle a sleep",
    )
    for name, bar in {"sleeps": 2.0, "handovers": None, "echoes": None}.items():
        title = (jobs.JOBS[name].__doc__ or name).rstrip(".")
        contenders = {loop: elsewhere(name, loop) for loop in jobs.LOOPS}
        yield Row(f"{title[0].lower()}{title[1:]}", contenders, bar=bar, against="simloop", note=where(name))


def nap(i: int, k: int) -> float:
    return jobs.NAPS[(i * 7 + k) & 4095]


def our_sleeps() -> Timed:
    from windtunnel.sim import Simulator

    def timed() -> int:
        with Simulator() as sim:
            host = sim.host("host")

            async def sleeper(i: int) -> None:
                for k in range(SLEEPS):
                    await sim.sleep(nap(i, k))

            for i in range(TASKS):
                host.create_task(sleeper(i))
            sim.run()
        return TASKS * SLEEPS

    return timed


def asyncio_sleeps() -> Timed:
    from windtunnel.sim import Simulator

    def timed() -> int:
        with Simulator() as sim:
            host = sim.host("host")

            async def sleeper(i: int) -> None:
                for k in range(SLEEPS):
                    await asyncio.sleep(nap(i, k))

            for i in range(TASKS):
                host.create_task(sleeper(i))
            sim.run()
        return TASKS * SLEEPS

    return timed


def simpy_sleeps() -> Timed:
    import simpy

    def timed() -> int:
        env = simpy.Environment()

        def sleeper(i: int) -> Iterator[Any]:
            for k in range(SLEEPS):
                yield env.timeout(nap(i, k))

        for i in range(TASKS):
            env.process(sleeper(i))
        env.run()
        return TASKS * SLEEPS

    return timed


@cache
def measured(job: str) -> dict[str, Any]:
    """The rates of all loops, from the interpreter that has them."""
    script = Path(jobs.__file__)
    found = subprocess.run(
        [peer_python("simloop"), str(script), job], capture_output=True, text=True, timeout=300, check=False
    )
    if found.returncode:
        raise Skip(f"failed in that Python: {found.stderr.strip().splitlines()[-1]}")
    result: dict[str, Any] = json.loads(found.stdout)
    return result


def where(job: str) -> str:
    try:
        return f"all in one process of Python {measured(job)['python']}"
    except Skip:
        return ""


def elsewhere(job: str, loop: str) -> Callable[[], Timed]:
    """A contender that was measured in another interpreter and reports that rate."""

    def prepare() -> Timed:
        result = measured(job)
        if loop in result["skipped"]:
            raise Skip(result["skipped"][loop])
        return at_rate(result["best"][loop])

    return prepare
