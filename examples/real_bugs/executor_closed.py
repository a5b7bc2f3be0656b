"""Whoever looks whether a pipe is closed, and then writes, can be overtaken by who closes it.

concurrent.futures.ProcessPoolExecutor, mended in 2020: https://bugs.python.org/issue39995
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext

from windtunnel.explore import RealThreads


class Pipe:
    """As the system's: writing to one that is closed is an error."""

    def __init__(self) -> None:
        self.open = True

    def write(self) -> None:
        """One byte."""
        if not self.open:
            raise OSError("handle is closed")


class Wakeup:
    """Wakes a thread by a byte. `locked`: looking and writing are one step, under the executor's lock."""

    def __init__(self, locked: bool) -> None:
        self.pipe = Pipe()
        self.closed = False
        self.lock = threading.Lock() if locked else nullcontext()

    def wake(self) -> None:
        """Write, unless it is closed."""
        with self.lock:
            if not self.closed:
                self.pipe.write()

    def close(self) -> None:
        """Once is enough."""
        with self.lock:
            if not self.closed:
                self.closed = True
                self.pipe.open = False


def program(fixed: bool) -> RealThreads:
    """A task is submitted while the executor shuts down."""

    def make() -> tuple[Mapping[str, Callable[[], object]], None]:
        wakeup = Wakeup(fixed)
        return {"submit": wakeup.wake, "shutdown": wakeup.close}, None

    return RealThreads(make)
