"""How many processors this process may use, which are not always all, and whether others were in its way on them."""

from __future__ import annotations

import os
from math import inf
from pathlib import Path

from windtunnel.statistics import not_measurable

GROUPS, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")

SPARE = 0.25
"""Of a processor, that others may use while a speed-up is measured."""
DEARER = 1.1
"""Work that takes so much more processor time beside other work has not a processor of its own."""


def processors() -> float:
    """Those that it is bound to, or so many as its group is granted the time of, where that is less."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(bound, granted(GROUPS, OWN))


def granted(groups: Path, own: Path) -> float:
    """Seconds of processors that a second is worth to this process by its groups' `cpu.max` (Linux, cgroup version 2).

    A group inside of another has at most what that has. Infinite where nobody says so.
    """
    try:
        names = [line.removeprefix("0::/") for line in own.read_text("utf-8").splitlines() if line.startswith("0::/")]
    except OSError:
        return inf
    least = inf
    for name in names:
        for folder in (groups / name, *(groups / name).parents):
            try:
                quota, period = (folder / "cpu.max").read_text("ascii").split()
            except (OSError, ValueError):
                continue
            least = min(least, inf if quota == "max" else int(quota) / int(period))
    return least


def measurable(speed_up: float, others: float | None, cost: float) -> float:
    """The speed-up, where nobody else was in its way and two processors are more than two halves of one."""
    cores = processors()
    if cores < 2:
        return not_measurable(f"{cores:g} is all that this process may use of the processors here")
    if others is None:
        return not_measurable("this system does not say what others use of its processors")
    if others > SPARE + max(0, cores - 2):
        return not_measurable(f"others used {others:.1f} of {cores:g} processors meanwhile")
    if not 1 / DEARER < cost < DEARER:
        return not_measurable(f"the same work took {cost:.2f} times as much processor time beside other work as alone")
    return speed_up
