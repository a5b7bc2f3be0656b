"""The answer is noted first, so that nobody asks again, and then the books are written: between the two one may die."""

from __future__ import annotations

from windtunnel.catalogue.interview.q15_payments.designs import paid
from windtunnel.catalogue.interview.q15_payments.keys import Reconciled
from windtunnel.catalogue.interview.q15_payments.world import Payment
from windtunnel.engines import Row

challenge = "q15-payments"


class Yours(Reconciled):
    async def settle(self, row: Row, payment: Payment, charge: int) -> Row:
        if not charge:
            return await super().settle(row, payment, charge)
        row = await self.reach(self.desk.db, row, "finished", paid(charge))
        async with self.desk.db.transaction() as t:
            await self.enter(t, charge, payment.merchant, payment.amount)
            await t.insert("outbox", {"id": payment.key, "order_no": payment.order})
        return row
