"""Half of it goes into a process, and one thread harms nobody."""

from __future__ import annotations

import threading

from windtunnel.catalogue.concurrency.gil_convoy.designs import OwnProcess, Work

challenge = "gil-convoy"


class Yours(OwnProcess):
    def begin(self, work: Work, workers: int) -> None:
        super().begin(work, workers - 1)
        self.computing = [threading.Thread(target=work.keep, args=(workers - 1,))]
        self.computing[0].start()

    def end(self) -> None:
        self.computing[0].join()
        super().end()
