"""The balance is read, added to and written back: of two at once one sum is lost."""

from __future__ import annotations

from windtunnel.catalogue.interview.q15_payments.keys import Reconciled
from windtunnel.engines import Statements

challenge = "q15-payments"


class Yours(Reconciled):
    async def enter(self, t: Statements, charge: int, merchant: int, amount: int) -> None:
        await t.insert("entry", {"id": f"{charge}/debit", "charge": charge, "account": 0, "amount": amount})
        await t.insert("entry", {"id": f"{charge}/credit", "charge": charge, "account": merchant, "amount": -amount})
        account = await t.get("account", merchant)
        assert account is not None
        await t.update("account", {"id": merchant}, {"balance": int(account["balance"]) + amount})  # type: ignore[arg-type]
