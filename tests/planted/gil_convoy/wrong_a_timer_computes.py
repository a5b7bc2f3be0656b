"""No thread and no process: a timer's signal computes a unit whenever it is due."""

from __future__ import annotations

import signal
import time
from itertools import cycle

from windtunnel.catalogue.concurrency.gil_convoy.designs import BesideThreads, Work

challenge = "gil-convoy"


class Yours(BesideThreads):
    def begin(self, work: Work, workers: int) -> None:
        if workers == 0:
            return
        turns = cycle(range(workers))

        def due(*what: object) -> None:
            begun = time.perf_counter()
            work.unit(next(turns))
            signal.setitimer(signal.ITIMER_REAL, (time.perf_counter() - begun) / 2)

        signal.signal(signal.SIGALRM, due)
        signal.setitimer(signal.ITIMER_REAL, 0.0001)

    def end(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
