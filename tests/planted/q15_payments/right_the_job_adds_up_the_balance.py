"""No payment touches the balance: the job adds it up from the entries."""

from __future__ import annotations

from collections import Counter

from windtunnel.catalogue.interview.q15_payments.keys import Reconciled
from windtunnel.engines import Statements

challenge = "q15-payments"


class Yours(Reconciled):
    async def enter(self, t: Statements, charge: int, merchant: int, amount: int) -> None:
        await t.insert("entry", {"id": f"{charge}/debit", "charge": charge, "account": 0, "amount": amount})
        await t.insert("entry", {"id": f"{charge}/credit", "charge": charge, "account": merchant, "amount": -amount})

    async def sweep(self) -> None:
        await super().sweep()
        sums: Counter[int] = Counter()
        for row in await self.desk.db.select("entry"):
            sums[int(row["account"])] -= int(row["amount"])  # type: ignore[arg-type]
        for merchant, balance in sums.items():
            if merchant:
                await self.desk.db.update("account", {"id": merchant}, {"balance": balance})
