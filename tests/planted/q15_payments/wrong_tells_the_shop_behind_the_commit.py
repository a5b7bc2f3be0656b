"""The books are written, and then the shop is told: who dies between the two has noted that all is done."""

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
        async with self.desk.db.transaction() as t:
            row = await self.reach(t, row, "finished", paid(charge))
            await self.enter(t, charge, payment.merchant, payment.amount)
        await self.tell_shop(payment.order, payment.key)
        return row
