"""A process each is always right: it has no lock to share with anybody."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.threads_or_processes.designs import Processes

challenge = "threads-or-processes"


class Yours(Processes):
    pass
