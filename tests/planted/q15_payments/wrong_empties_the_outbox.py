"""The outbox is emptied when the shop was told: what came meanwhile goes with it, untold."""

from __future__ import annotations

from windtunnel.catalogue.interview.q15_payments.keys import Reconciled

challenge = "q15-payments"


class Yours(Reconciled):
    async def relay(self) -> None:
        for row in await self.desk.db.select("outbox"):
            await self.tell_shop(int(row["order_no"]), str(row["id"]))  # type: ignore[arg-type]
        for row in await self.desk.db.select("outbox"):
            await self.desk.db.delete("outbox", {"id": row["id"]})
