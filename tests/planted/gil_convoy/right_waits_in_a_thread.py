"""Processes compute, and a thread waits for each to end, which takes neither a processor nor the lock."""

from __future__ import annotations

import os
import threading

from windtunnel.catalogue.concurrency.gil_convoy.designs import OwnProcess, Work

challenge = "gil-convoy"


class Yours(OwnProcess):
    def begin(self, work: Work, workers: int) -> None:
        super().begin(work, workers)
        self.computing = [threading.Thread(target=os.waitpid, args=(child, 0)) for child in self.children]
        for thread in self.computing:
            thread.start()

    def end(self) -> None:
        for thread in self.computing:
            thread.join()
