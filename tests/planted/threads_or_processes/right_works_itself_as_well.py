"""A process for each piece of Python but the last, which whoever asks does itself."""

from __future__ import annotations

import os

from windtunnel.catalogue.concurrency.threads_or_processes.designs import Threads, Work

challenge = "threads-or-processes"


class Yours(Threads):
    def together(self, work: Work, pieces: int, kind: str, seconds: float) -> None:
        if kind != "python" or seconds < 0.01:
            super().together(work, pieces, kind, seconds)
            return
        children = []
        for piece in range(pieces - 1):
            child = os.fork()
            if child == 0:
                work(piece)
                os._exit(0)
            children.append(child)
        work(pieces - 1)
        for child in children:
            os.waitpid(child, 0)
