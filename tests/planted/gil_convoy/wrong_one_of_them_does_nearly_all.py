"""There are as many processes as workers, and one of them does nearly all of it."""

from __future__ import annotations

import os
import time

from windtunnel.catalogue.concurrency.gil_convoy.designs import OwnProcess, Work

challenge = "gil-convoy"


class Yours(OwnProcess):
    def begin(self, work: Work, workers: int) -> None:
        self.children: list[int] = []
        for worker in range(workers):
            child = os.fork()
            if child == 0:
                if worker == 0:
                    work.keep(worker)
                else:
                    work.unit(worker)
                    while not work.over():
                        time.sleep(0.005)
                os._exit(0)
            self.children.append(child)
