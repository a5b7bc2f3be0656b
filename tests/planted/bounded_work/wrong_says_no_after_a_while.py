"""Who has waited for three twentieths of a second is told no, and the work, which is shielded, goes on."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.concurrency.bounded_work import Structured, TurnedAway

challenge = "bounded-work"


class Yours(Structured):
    async def carry_out(self, number: int, work_s: float) -> None:
        work = asyncio.ensure_future(super().carry_out(number, work_s))
        self.tasks.add(work)
        work.add_done_callback(self.tasks.discard)
        try:
            await asyncio.wait_for(asyncio.shield(work), 0.15)
        except TimeoutError:
            raise TurnedAway from None
