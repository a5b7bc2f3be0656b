"""What a process in which somebody else's design runs may use and do."""

from __future__ import annotations

import math
import os
import sys
from time import process_time
from typing import Any

DENIED = {"subprocess.Popen", "os.system", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.exec"}
DENIED |= {"os.kill", "os.killpg"}
IN_ALL = 60
"""Times what a trial may use: who is not ended by the first signal ends then."""
NO_ONE = "nobody sits at this keyboard: take breakpoint() and input() out, and print what you want to see"


def confine() -> None:
    """From now on nobody answers questions here, and nothing is started elsewhere."""
    _nobody_answers()
    sys.addaudithook(_deny)


def _nobody_answers() -> None:
    """A question to a person who is not there is an error with a sentence, not a wait without an end."""
    import builtins

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError(NO_ONE)

    builtins.input = refuse  # type: ignore[assignment]
    sys.breakpointhook = refuse


def limit(cpu_s: float, memory_bytes: int) -> None:
    """What this process may use, from now on. Where the system has no such limits (Windows) there are none."""
    if os.name != "posix":
        return
    import resource

    seconds = max(1, round(cpu_s))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, IN_ALL * seconds + 5))
    # Address space is mapped far beyond what is used; only Linux counts it in a way that can be limited.
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def allow(cpu_s: float) -> None:
    """So much more may this process use: each trial has as much, however many there are."""
    if os.name != "posix":
        return
    import resource

    most = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (min(most, math.ceil(process_time() + cpu_s)), most))


def _deny(event: str, told: tuple[Any, ...]) -> None:
    """What a design starts elsewhere would outlive it, and be seen by nobody."""
    if event not in DENIED:
        return
    child = sys.modules.get("windtunnel.engines.shared.child")
    if child is not None and child.STARTING.get() and _of_a_child(event, told, child.RUN):
        return  # what is measured on this machine runs in processes of the experiment's, which end with this one
    from windtunnel.sim.sandbox import current_simulator

    # In a request an OSError would be an outcome; libraries that look around while they are imported know it.
    kind = PermissionError if current_simulator() is None else RuntimeError
    raise kind("A design may not start processes, nor send signals to any.")


def _of_a_child(event: str, told: tuple[Any, ...], run: str) -> bool:
    """Whether it starts or ends a process of the experiment's, whoever says that it is one."""
    if event == "subprocess.Popen":
        return list(told[1][:4]) == [sys.executable, "-I", "-c", run]
    return event == ("os.killpg" if hasattr(os, "killpg") else "os.kill")
