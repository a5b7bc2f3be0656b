"""Threads share memory, so each piece is done under a lock."""

from __future__ import annotations

import threading
from functools import partial

from windtunnel.catalogue.concurrency.threads_or_processes.designs import ByKind, Work

challenge = "threads-or-processes"


class Yours(ByKind):
    def __init__(self, *surroundings: object) -> None:
        super().__init__(*surroundings)
        self.lock = threading.Lock()

    def locked(self, work: Work, piece: int) -> None:
        with self.lock:
            work(piece)

    def together(self, work: Work, pieces: int, kind: str, seconds: float) -> None:
        super().together(partial(self.locked, work), pieces, kind, seconds)
