"""Processes for what needs the interpreter for long, threads for the rest."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.threads_or_processes.designs import ByKind

challenge = "threads-or-processes"


class Yours(ByKind):
    pass
