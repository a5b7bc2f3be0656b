"""What stands on the statement and not in the books is given back, also while its payment is on its way."""

from __future__ import annotations

import contextlib

from windtunnel.catalogue.interview.q15_payments.keys import LedgerOutbox, Reconciled

challenge = "q15-payments"


class Yours(Reconciled):
    async def sweep(self) -> None:
        with contextlib.suppress(OSError):
            for charge, *_ in await self.desk.call("bank", "statement"):
                if not await self.desk.db.select("entry", {"charge": charge}):
                    await self.desk.call("bank", "refund", charge)
        await LedgerOutbox.sweep(self)
