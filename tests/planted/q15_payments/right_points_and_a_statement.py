"""Recovery points without an outbox, single entry, and the bank's statement held against the list of payments."""

from __future__ import annotations

import contextlib

from windtunnel.catalogue.interview.q15_payments.keys import RecoveryPoints
from windtunnel.catalogue.interview.q15_payments.world import Payment
from windtunnel.engines import Row

challenge = "q15-payments"


class Yours(RecoveryPoints):
    async def ask_bank(self, row: Row, payment: Payment) -> int:
        if row["version"] != 1:
            found: int = await self.desk.call("bank", "find", f"till/{payment.key}")
            if found:
                return found
        return await super().ask_bank(row, payment)

    async def sweep(self) -> None:
        await super().sweep()
        with contextlib.suppress(OSError):
            for charge, *_, reference in await self.desk.call("bank", "statement"):
                known = await self.desk.db.get("idem", reference.removeprefix("till/"))
                if known is not None and known["open"]:
                    continue
                if await self.desk.db.get("payment", charge) is None:
                    await self.desk.call("bank", "refund", charge)
