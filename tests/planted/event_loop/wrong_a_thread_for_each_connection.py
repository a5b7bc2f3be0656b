"""Threads may wait as long as they like, so each connection has one."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.event_loop.designs import Threads

challenge = "event-loop"


class Yours(Threads):
    pass
