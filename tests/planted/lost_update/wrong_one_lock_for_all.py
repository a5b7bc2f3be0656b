"""One lock, handed on in turn: it is right, and sixteen cores count no more than two."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.lost_update import QueueLock

challenge = "lost-update"


class Yours(QueueLock):
    pass
