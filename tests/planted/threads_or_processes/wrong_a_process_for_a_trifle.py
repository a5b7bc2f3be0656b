"""Python needs processes and C needs none, however little there is to do."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.threads_or_processes.designs import Processes, Threads, Work

challenge = "threads-or-processes"


class Yours(Processes):
    def together(self, work: Work, pieces: int, kind: str, seconds: float) -> None:
        kinds = Processes if kind == "python" else Threads
        kinds.together(self, work, pieces, kind, seconds)
