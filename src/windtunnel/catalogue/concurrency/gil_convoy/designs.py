"""Where to compute while a thread of the same process talks over the network.

They are made in the process that measures (`pinger.py`), which imports nothing of ours, and neither do they.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Protocol


class Work(Protocol):
    """What is to be computed meanwhile."""

    shorter: int
    """How many times shorter a short switch interval is."""

    def keep(self, worker: int) -> None:
        """Compute as this worker, unit after unit, until it is over."""

    def unit(self, worker: int) -> None:
        """Compute one unit, some tens of microseconds."""

    def over(self) -> bool:
        """Whether it is."""


class BesideThreads:
    """Threads of the same process compute."""

    def __init__(self, *surroundings: object) -> None:
        """In the process that measures there are none."""

    def begin(self, work: Work, workers: int) -> None:
        """Have so many workers compute from now on, and be back at once: the talking begins."""
        self.computing = [threading.Thread(target=work.keep, args=(worker,)) for worker in range(workers)]
        for thread in self.computing:
            thread.start()

    def end(self) -> None:
        """It is over: be back when all have ended."""
        for thread in self.computing:
            thread.join()


class ShortInterval(BesideThreads):
    """Threads of the same process compute, and have to let go of the lock sooner."""

    def begin(self, work: Work, workers: int) -> None:
        self.usual_s = sys.getswitchinterval()
        sys.setswitchinterval(self.usual_s / work.shorter)
        super().begin(work, workers)

    def end(self) -> None:
        super().end()
        sys.setswitchinterval(self.usual_s)


class OwnProcess(BesideThreads):
    """Processes of their own compute."""

    def begin(self, work: Work, workers: int) -> None:
        self.children: list[int] = []
        for worker in range(workers):
            child = os.fork()
            if child == 0:
                work.keep(worker)
                os._exit(0)
            self.children.append(child)

    def end(self) -> None:
        for child in self.children:
            os.waitpid(child, 0)
