"""A process computes, and a thread looks all the time whether it still does."""

from __future__ import annotations

import threading

from windtunnel.catalogue.concurrency.gil_convoy.designs import OwnProcess, Work

challenge = "gil-convoy"


class Yours(OwnProcess):
    def begin(self, work: Work, workers: int) -> None:
        super().begin(work, workers)

        def watch() -> None:
            while not work.over():
                pass

        self.computing = [threading.Thread(target=watch)]
        self.computing[0].start()

    def end(self) -> None:
        self.computing[0].join()
        super().end()
