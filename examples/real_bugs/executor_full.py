"""Who writes holds the lock that whoever reads needs; when the pipe is full, both wait for ever.

concurrent.futures.ProcessPoolExecutor, reported in 2023, where the lock of `executor_closed` had been put around the
pipe: https://github.com/python/cpython/issues/105829
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping

from windtunnel.explore import RealThreads

PLACES = 2
"""What the pipe holds; the system's holds 64 KiB, and it took a hundred thousand tasks."""
TASKS = 3


class Wakeup:
    """Wakes a thread by a byte. `once`: one byte is enough until it was read, so that the pipe is never full."""

    def __init__(self, once: bool) -> None:
        self.pipe: queue.Queue[bytes] = queue.Queue(PLACES)
        self.lock = threading.Lock()
        self.once = once
        self.awake = False

    def wake(self) -> None:
        """Write; where the pipe is full, until somebody reads."""
        with self.lock:
            if not (self.once and self.awake):
                self.awake = True
                self.pipe.put(b"\0")

    def clear(self) -> None:
        """Read all that is there."""
        with self.lock:
            while not self.pipe.empty():
                self.pipe.get()
            self.awake = False


def program(fixed: bool) -> RealThreads:
    """Tasks are submitted, and the manager looks up once."""

    def make() -> tuple[Mapping[str, Callable[[], object]], None]:
        wakeup = Wakeup(fixed)

        def submit() -> None:
            for _ in range(TASKS):
                wakeup.wake()

        return {"submit": submit, "manager": wakeup.clear}, None

    return RealThreads(make)
