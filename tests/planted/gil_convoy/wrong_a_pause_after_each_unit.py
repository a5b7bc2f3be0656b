"""A millisecond of pause after each unit leaves enough to the others."""

from __future__ import annotations

import threading
import time

from windtunnel.catalogue.concurrency.gil_convoy.designs import BesideThreads, Work

challenge = "gil-convoy"


class Yours(BesideThreads):
    def begin(self, work: Work, workers: int) -> None:
        def compute(worker: int) -> None:
            while not work.over():
                work.unit(worker)
                time.sleep(0.001)

        self.computing = [threading.Thread(target=compute, args=(worker,)) for worker in range(workers)]
        for thread in self.computing:
            thread.start()
