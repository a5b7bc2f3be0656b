"""The job clears away the keys of payments that have ended; who had gone, and comes back with his, begins anew."""

from __future__ import annotations

from windtunnel.catalogue.interview.q15_payments.keys import Reconciled

challenge = "q15-payments"


class Yours(Reconciled):
    async def sweep(self) -> None:
        await super().sweep()
        await self.desk.db.delete("idem", {"open": 0})
