"""Ways to do several pieces of work at the same time.

They are made in the process that measures (`worker.py`), which imports nothing of ours, and neither do they.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

Work = Callable[[int], object]
LITTLE_S = 0.01  # unclaimed: anything will do between nothing and what takes as long as a process to start
"""Work that is over in so short a time is not worth a process."""


class Threads:
    """Threads of one process."""

    def __init__(self, *surroundings: object) -> None:
        """In the process that measures there are none."""

    def together(self, work: Work, pieces: int, kind: str, seconds: float) -> None:
        """Do `work(0)`, `work(1)` and so on at the same time, and be back when all of it is done.

        Args:
            kind: "python", or "hash", which lets go of the interpreter's lock.
            seconds: processor time that a piece takes, about.
        """
        threads = [threading.Thread(target=work, args=(piece,)) for piece in range(pieces)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


class Processes(Threads):
    """A process each."""

    def together(self, work: Work, pieces: int, kind: str, seconds: float) -> None:
        children = []
        for piece in range(pieces):
            child = os.fork()
            if child == 0:
                work(piece)
                os._exit(0)
            children.append(child)
        for child in children:
            os.waitpid(child, 0)


class ByKind(Processes):
    """Processes for what needs the interpreter for long, threads for the rest."""

    def together(self, work: Work, pieces: int, kind: str, seconds: float) -> None:
        if kind == "python" and seconds > LITTLE_S:
            super().together(work, pieces, kind, seconds)
        else:
            Threads.together(self, work, pieces, kind, seconds)
