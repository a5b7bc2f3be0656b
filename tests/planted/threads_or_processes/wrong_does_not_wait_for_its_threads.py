"""Threads go on by themselves, so it is back as soon as they are started."""

from __future__ import annotations

import threading

from windtunnel.catalogue.concurrency.threads_or_processes.designs import ByKind, Work

challenge = "threads-or-processes"


class Yours(ByKind):
    def together(self, work: Work, pieces: int, kind: str, seconds: float) -> None:
        if kind == "python" and seconds > 0.01:
            super().together(work, pieces, kind, seconds)
            return
        for piece in range(pieces):
            threading.Thread(target=work, args=(piece,)).start()
