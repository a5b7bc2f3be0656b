"""The audit hook that catches what has no stand-in, while a simulation runs in the thread that does it.

An audit hook stays for the life of the interpreter; between runs it costs one look into an empty dict.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from threading import get_ident
from types import FrameType
from typing import Any, Final

from windtunnel.sim.sandbox import NotSimulated

_SOCKETS = "Real connections do not exist in the tunnel; use the host's loop, streams, or a library on them."
PROCESSES = "Subprocesses are not simulated; make another host, or another task, for what it does."
THREADS = "Threads are not simulated; use tasks, and charge long work to host.cpu.work()."
WAITS = "No other thread runs in the tunnel that could end this wait; use asyncio's locks, events and queues."
SIGNALS = "Signals are not simulated, and a real one would hit the simulation; crash or pause the host instead."
SLEEP = "time.sleep would stop the simulation, not the host; await asyncio.sleep, or charge host.cpu.work()."
_FILES = "Real files are not written in the tunnel; use host.disk, or windtunnel.sim.reality() to write a report."

FORBIDDEN: Final[Mapping[str, str]] = {
    "socket.__new__": _SOCKETS,
    "socket.connect": _SOCKETS,
    "socket.bind": _SOCKETS,
    "socket.sendto": _SOCKETS,
    "socket.getaddrinfo": _SOCKETS,
    "socket.gethostbyname": _SOCKETS,
    "socket.gethostbyaddr": _SOCKETS,
    "socket.getnameinfo": _SOCKETS,
    "socket.sendmsg": _SOCKETS,
    "subprocess.Popen": PROCESSES,
    "os.system": PROCESSES,
    "os.fork": PROCESSES,
    "os.forkpty": PROCESSES,
    "os.exec": PROCESSES,
    "os.posix_spawn": PROCESSES,
    "_thread.start_new_thread": THREADS,
    "_thread.start_joinable_thread": THREADS,
    "os.kill": SIGNALS,
    "os.killpg": SIGNALS,
    "signal.pthread_kill": SIGNALS,
    "time.sleep": SLEEP,
    "open": _FILES,
    "os.remove": _FILES,
    "os.rename": _FILES,
    "os.mkdir": _FILES,
    "os.rmdir": _FILES,
    "os.truncate": _FILES,
    "os.link": _FILES,
    "os.symlink": _FILES,
    "os.chmod": _FILES,
    "os.chown": _FILES,
    "os.utime": _FILES,
    "sqlite3.connect": "Real databases are not opened in the tunnel; use a model, or ':memory:'.",
}
WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CACHES: Final = ("importlib._bootstrap", "importlib._bootstrap_external", "numba.core.caching")
"""Modules that write files beside code, or in a folder for caches, when code is first used."""


def importing() -> bool:
    """Whether a module is being imported. That happens once in a process, and so must not draw from a run's luck."""
    return _on_the_stack("importlib._bootstrap")


def _on_the_stack(*modules: str) -> bool:
    """Whether one of these modules called, since the simulation began: it may itself have been run by an import."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__")
        if name in modules:
            return True
        if name == "windtunnel.sim.kernel":
            return False
        frame = frame.f_back
    return False


def forbid(running: Mapping[int, object]) -> Callable[[str, tuple[Any, ...]], None]:
    """The hook. `running` has the threads in which a simulation runs."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if not running or event not in FORBIDDEN or get_ident() not in running:
            return
        path = args[0] if args else None
        if event == "open" and (isinstance(path, int) or path == os.devnull or not args[2] & WRITING):
            return
        if event == "sqlite3.connect" and (not path or ":memory:" in os.fsdecode(path)):
            return
        if event == "os.kill" and args[1] == 0:  # asks whether a process lives
            return
        if FORBIDDEN[event] is _FILES and _on_the_stack(*CACHES):
            return
        raise NotSimulated(FORBIDDEN[event])

    return hook
