"""Each process says through a pipe that it is done, so nobody has to wait for it to end."""

from __future__ import annotations

import os

from windtunnel.catalogue.concurrency.threads_or_processes.designs import Threads, Work

challenge = "threads-or-processes"


class Yours(Threads):
    def together(self, work: Work, pieces: int, kind: str, seconds: float) -> None:
        if kind != "python" or seconds < 0.01:
            super().together(work, pieces, kind, seconds)
            return
        reading, writing = os.pipe()
        for piece in range(pieces):
            if os.fork() == 0:
                work(piece)
                os.write(writing, b"done")
                os._exit(0)
        os.close(writing)
        while os.read(reading, 100):
            pass
        os.close(reading)
