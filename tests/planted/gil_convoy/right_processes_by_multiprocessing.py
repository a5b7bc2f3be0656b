"""Processes compute that multiprocessing forks."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkProcess

from windtunnel.catalogue.concurrency.gil_convoy.designs import BesideThreads, Work

challenge = "gil-convoy"


class Yours(BesideThreads):
    def __init__(self, *surroundings: object) -> None:
        super().__init__(*surroundings)
        self.own: list[ForkProcess] = []

    def begin(self, work: Work, workers: int) -> None:
        forking = multiprocessing.get_context("fork")
        self.own = [forking.Process(target=work.keep, args=(worker,)) for worker in range(workers)]
        for process in self.own:
            process.start()

    def end(self) -> None:
        for process in self.own:
            process.join()
