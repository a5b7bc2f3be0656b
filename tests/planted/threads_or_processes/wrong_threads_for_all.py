"""Threads are cheap and there are two processors, so two threads compute twice as much."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.threads_or_processes.designs import Threads

challenge = "threads-or-processes"


class Yours(Threads):
    pass
