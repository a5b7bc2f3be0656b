"""Looks again and again which process has ended, so that none waits to be noticed."""

from __future__ import annotations

import os

from windtunnel.catalogue.concurrency.threads_or_processes.designs import Threads, Work

challenge = "threads-or-processes"


class Yours(Threads):
    def together(self, work: Work, pieces: int, kind: str, seconds: float) -> None:
        if kind != "python" or seconds < 0.01:
            super().together(work, pieces, kind, seconds)
            return
        left = set[int]()
        for piece in range(pieces):
            child = os.fork()
            if child == 0:
                work(piece)
                os._exit(0)
            left.add(child)
        while left:
            left -= {child for child in left if os.waitpid(child, os.WNOHANG)[0]}
