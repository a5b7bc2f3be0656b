"""The audit hook that catches what has no stand-in, while a simulation runs in the thread that does it.

An audit hook stays for the life of the interpreter; between runs it costs one look into an empty dict.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from threading import get_ident
from typing import Any, Final

from windtunnel.sim.sandbox import NotSimulated

_SOCKETS = "Real connections do not exist in the tunnel; use the host's loop, streams, or a library on them."
_PROCESSES = "Subprocesses are not simulated; make another host, or another task, for what it does."
THREADS = "Threads are not simulated; use tasks, and charge long work to host.cpu.work()."
SLEEP = "time.sleep would stop the simulation, not the host; await asyncio.sleep, or charge host.cpu.work()."
_FILES = "Real files are not written in the tunnel; use host.disk, or windtunnel.sim.reality() to write a report."

FORBIDDEN: Final[Mapping[str, str]] = {
    "socket.__new__": _SOCKETS,
    "socket.connect": _SOCKETS,
    "socket.bind": _SOCKETS,
    "socket.sendto": _SOCKETS,
    "socket.getaddrinfo": _SOCKETS,
    "socket.gethostbyname": _SOCKETS,
    "subprocess.Popen": _PROCESSES,
    "os.system": _PROCESSES,
    "os.fork": _PROCESSES,
    "os.forkpty": _PROCESSES,
    "os.exec": _PROCESSES,
    "os.posix_spawn": _PROCESSES,
    "_thread.start_new_thread": THREADS,
    "_thread.start_joinable_thread": THREADS,
    "time.sleep": SLEEP,
    "open": _FILES,
    "os.remove": _FILES,
    "os.rename": _FILES,
    "os.mkdir": _FILES,
    "os.rmdir": _FILES,
    "os.truncate": _FILES,
    "sqlite3.connect": "Real databases are not opened in the tunnel; use a model, or ':memory:'.",
}
WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CACHES: Final = ("__pycache__", ".nbi", ".nbc")
"""Parts of names of files that the interpreter and Numba write beside code when it is first used."""


def forbid(running: Mapping[int, object]) -> Callable[[str, tuple[Any, ...]], None]:
    """The hook. ``running`` has the threads in which a simulation runs."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if not running or event not in FORBIDDEN or get_ident() not in running:
            return
        path = args[0] if args else None
        if event == "open" and (isinstance(path, int) or path == os.devnull or not args[2] & WRITING):
            return
        if event == "sqlite3.connect" and path in (":memory:", b":memory:", ""):
            return
        if FORBIDDEN[event] is _FILES and any(part in os.fsdecode(path) for part in CACHES if path):
            return
        raise NotSimulated(FORBIDDEN[event])

    return hook
