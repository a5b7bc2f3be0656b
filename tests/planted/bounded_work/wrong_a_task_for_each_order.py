"""A task for each order and yes at once: asyncio can have a hundred thousand tasks."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.bounded_work import Tasks

challenge = "bounded-work"


class Yours(Tasks):
    pass
