"""What stands on the statement and not in the books is given back, unless it is open: looked up in this order."""

from __future__ import annotations

import contextlib

from windtunnel.catalogue.interview.q15_payments.keys import LedgerOutbox, Reconciled

challenge = "q15-payments"


class Yours(Reconciled):
    async def sweep(self) -> None:
        await LedgerOutbox.sweep(self)
        with contextlib.suppress(OSError):
            for charge, order, *_ in await self.desk.call("bank", "statement"):
                if await self.desk.db.select("entry", {"charge": charge}):
                    continue
                if not await self.desk.db.select("idem", {"order_no": order, "open": 1}):
                    await self.desk.call("bank", "refund", charge)
