"""A process that is told to end does so: whoever is inside will ask again."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.bounded_work import Structured

challenge = "bounded-work"


class Yours(Structured):
    async def drained(self) -> None:
        pass
