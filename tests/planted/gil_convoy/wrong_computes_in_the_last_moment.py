"""Computing takes place when nobody talks any more, as much of it as is due."""

from __future__ import annotations

import time

from windtunnel.catalogue.concurrency.gil_convoy.designs import BesideThreads, Work

challenge = "gil-convoy"


class Yours(BesideThreads):
    def begin(self, work: Work, workers: int) -> None:
        self.due = work, workers

    def end(self) -> None:
        work, workers = self.due
        until = time.perf_counter() + 0.1
        while workers and time.perf_counter() < until:
            for worker in range(workers):
                work.unit(worker)
