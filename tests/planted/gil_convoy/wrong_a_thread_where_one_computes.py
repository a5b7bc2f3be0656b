"""A thread is enough where one computes; more than one are worth processes."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.gil_convoy.designs import BesideThreads, OwnProcess, Work

challenge = "gil-convoy"


class Yours(OwnProcess):
    def begin(self, work: Work, workers: int) -> None:
        self.few = BesideThreads() if workers == 1 else None
        if self.few:
            self.few.begin(work, workers)
        else:
            super().begin(work, workers)

    def end(self) -> None:
        if self.few:
            self.few.end()
        else:
            super().end()
