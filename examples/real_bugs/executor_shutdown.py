"""One waits, with the lock in hand, for a thread that needs the lock to end.

concurrent.futures.ProcessPoolExecutor, reported in 2024, by the same lock as in `executor_full`:
https://github.com/python/cpython/issues/125451
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from windtunnel.explore import RealThreads


class Executor:
    """Its manager shuts it down; its feeder has met a task that cannot be sent. `apart`: the pipe has its own lock."""

    def __init__(self, apart: bool) -> None:
        self.shutdown_lock = threading.Lock()
        self.pipe_lock = threading.Lock() if apart else self.shutdown_lock
        self.fed = threading.Event()
        self.closed = False

    def feed(self) -> None:
        """Tell the manager of the task that failed, and end."""
        with self.pipe_lock:
            self.closed = True
        self.fed.set()

    def shut_down(self) -> None:
        """Wait for the feeder's end, and let nobody submit meanwhile."""
        with self.shutdown_lock:
            self.fed.wait()


def program(fixed: bool) -> RealThreads:
    """A task fails to be sent while the executor shuts down."""

    def make() -> tuple[Mapping[str, Callable[[], object]], None]:
        executor = Executor(fixed)
        return {"feeder": executor.feed, "manager": executor.shut_down}, None

    return RealThreads(make)
