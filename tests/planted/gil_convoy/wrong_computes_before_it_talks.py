"""What is to be computed is done beforehand, a tenth of a second of it, and then nothing is in the way."""

from __future__ import annotations

import time

from windtunnel.catalogue.concurrency.gil_convoy.designs import BesideThreads, Work

challenge = "gil-convoy"


class Yours(BesideThreads):
    def begin(self, work: Work, workers: int) -> None:
        until = time.perf_counter() + 0.1
        while workers and time.perf_counter() < until:
            for worker in range(workers):
                work.unit(worker)

    def end(self) -> None:
        pass
