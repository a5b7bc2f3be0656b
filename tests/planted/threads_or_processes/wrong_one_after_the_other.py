"""Threads bring nothing in Python, so all is done in a row and nothing is started."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.threads_or_processes.designs import Threads, Work

challenge = "threads-or-processes"


class Yours(Threads):
    def together(self, work: Work, pieces: int, kind: str, seconds: float) -> None:
        for piece in range(pieces):
            work(piece)
