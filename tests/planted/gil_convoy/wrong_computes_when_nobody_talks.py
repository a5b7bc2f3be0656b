"""What is computed can wait until nobody talks any more."""

from __future__ import annotations

import threading

from windtunnel.catalogue.concurrency.gil_convoy.designs import BesideThreads, Work

challenge = "gil-convoy"


class Yours(BesideThreads):
    def begin(self, work: Work, workers: int) -> None:
        self.computing = [threading.Thread(target=work.keep, args=(worker,)) for worker in range(workers)]

    def end(self) -> None:
        for thread in self.computing:
            thread.start()
        super().end()
