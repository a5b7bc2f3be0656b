"""A process that has forked what computes and has ended is nothing to wait for."""

from __future__ import annotations

import os

from windtunnel.catalogue.concurrency.gil_convoy.designs import BesideThreads, Work

challenge = "gil-convoy"


class Yours(BesideThreads):
    def begin(self, work: Work, workers: int) -> None:
        for worker in range(workers):
            child = os.fork()
            if child == 0:
                if os.fork() == 0:
                    while not work.over():
                        work.unit(worker)
                    for _ in range(400):
                        work.unit(worker)
                os._exit(0)
            os.waitpid(child, 0)

    def end(self) -> None:
        pass
