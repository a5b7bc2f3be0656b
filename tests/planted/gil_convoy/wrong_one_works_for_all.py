"""One process computes in the background, and the number of workers is a detail."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.gil_convoy.designs import OwnProcess, Work

challenge = "gil-convoy"


class Yours(OwnProcess):
    def begin(self, work: Work, workers: int) -> None:
        super().begin(work, min(1, workers))
