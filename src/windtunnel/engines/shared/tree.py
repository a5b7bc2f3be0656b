"""A process with all its descendants: stopped, set going and killed together.

A PostgreSQL whose first process alone is stopped goes on answering, since each connection has a process of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PATIENCE_S = 10.0
"""How long the operating system may take to stop or end a process."""


def family(root: int) -> dict[int, str]:
    """The state ("R", "S", "T", ...) of a process and of all its descendants, as far as they live, by process id."""
    table = _table()
    found: dict[int, str] = {}
    new = [root]
    while new:
        pid = new.pop()
        if pid in table and pid not in found:
            found[pid] = table[pid][1]
            new += [child for child, (parent, _) in table.items() if parent == pid]
    return {pid: state for pid, state in found.items() if state != "Z"}


def stop(root: int) -> None:
    """Stop them all. Returns when all are stopped; nobody can start another one then."""
    end = time.monotonic() + PATIENCE_S
    while running := [pid for pid, state in family(root).items() if state not in "Tt"]:
        for pid in running:
            _tell(pid, signal.SIGSTOP)
        if time.monotonic() > end:
            raise TimeoutError(f"Process {running[0]} does not stop.")
        time.sleep(0.001)  # the kernel's work, on a real clock: nothing to await


def go_on(root: int) -> None:
    """Let them all go on."""
    for pid in family(root):
        _tell(pid, signal.SIGCONT)


def kill(root: int) -> None:
    """Kill them all, at one blow: they are stopped first. Returns when none is left."""
    stop(root)
    doomed = list(family(root))
    for pid in doomed:
        _tell(pid, signal.SIGKILL)
    end = time.monotonic() + PATIENCE_S
    while any(pid in family(pid) for pid in doomed):
        if time.monotonic() > end:
            raise TimeoutError(f"Process {root} cannot be killed.")
        time.sleep(0.001)


def _tell(pid: int, what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, what)


def _table() -> dict[int, tuple[int, str]]:
    """Parent and state of every process."""
    if sys.platform != "linux":
        listed = subprocess.run(["ps", "-axo", "pid=,ppid=,stat="], capture_output=True, text=True, check=True)
        rows = (line.split() for line in listed.stdout.splitlines())
        return {int(pid): (int(parent), state[0]) for pid, parent, state in rows}
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it has just ended
                # The name in brackets may hold anything; what follows it is the state and the parent.
                state, parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
                found[int(entry.name)] = (int(parent), state)
    return found
