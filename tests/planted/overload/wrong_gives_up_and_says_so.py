"""Clients give up at the deadline and take their requests back; the first in line are those about to do so."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.overload import FIRST, Unbounded

challenge = "overload"


class Yours(Unbounded):
    @process
    async def ask(self, lane: int, client: int, takes_s: float, critical: bool) -> None:
        job = self.servers[lane].serve(takes_s, priority=FIRST)
        if not await job.within(self.p.deadline_s):
            job.withdraw()
            raise TimeoutError("No answer within the deadline.")
