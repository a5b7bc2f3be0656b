"""Tasks of simulated asyncio hosts: against SimPy with our sleep, against other deterministic loops with asyncio's.

The other loops need Python 3.12. Where this interpreter has them, or the one that `WINDTUNNEL_PEER_PYTHON` names,
ours runs there too, in turns with them (see `asyncio_tier_jobs`). Elsewhere those rows are skipped.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

from bench import asyncio_tier_jobs as jobs
from bench.elsewhere import ROOT, Elsewhere, peer_python
from bench.harness import Row, Skip, Timed

TASKS, SLEEPS = 1000, 200


def rows() -> Iterator[Row]:
    yield Row(
        f"our sleep in tasks of a host, {TASKS} tasks × {SLEEPS} sleeps",
        {"ours": our_sleeps, "simpy, generators": simpy_sleeps},
        unit="sleeps/s",
        bar=3.0,
        packages=("simpy",),
    )
    yield Row(
        "asyncio.sleep in tasks of a host, the same sleeps",
        {"ours": asyncio_sleeps, "simpy, generators": simpy_sleeps},
        unit="sleeps/s",
        note="unmodified asyncio code pays for a future and a handle a sleep",
    )
    for name, bar in {"sleeps": 2.0, "handovers": 5.0, "echoes": None}.items():
        title = (jobs.JOBS[name].__doc__ or name).rstrip(".")
        slow = ("detangle", "simloom") if name == "sleeps" else ()
        contenders = {loop: elsewhere(loop, name) for loop in jobs.LOOPS if loop not in slow}
        left_out = f"; {' and '.join(slow)} are left out, whose rounds take many seconds" if slow else ""
        yield Row(f"{title[0].lower()}{title[1:]}", contenders, bar=bar, note=where() + left_out)


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


def elsewhere(loop: str, job: str) -> Callable[[], Timed]:
    """A contender in a process of its own, of the interpreter that has the peers: ours as well."""

    def prepare() -> Timed:
        return Elsewhere(peer_python("simloop"), jobs.__name__, loop, job)

    return prepare


def where() -> str:
    try:
        python = peer_python("simloop")
    except Skip:
        return ""
    asked = "import sys, windtunnel.sim.tier as t; print(f'{sys.version.split()[0]}, {t.TIER} loop')"
    found = subprocess.run(
        [python, "-c", asked], env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True
    )
    return f"each in a process of its own of Python {found.stdout.strip()}"
