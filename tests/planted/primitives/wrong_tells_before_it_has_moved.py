"""The listener is told before anything is moved, so that nothing is half-way: and never of what was moved."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.primitives import Fitted, Listened

challenge = "primitives"


class Yours(Fitted):
    async def pay_in(self, till: Listened, amount: int) -> None:
        await till.tell()
        async with self.drawer:
            await till.write("cash", await till.read("cash") - amount)
            await till.write("card", await till.read("card") + amount)
