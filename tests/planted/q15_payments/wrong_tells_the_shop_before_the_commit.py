"""The shop is told without a name for the event, and then the books are written: who comes again tells it again."""

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
        await self.tell_shop(payment.order)
        async with self.desk.db.transaction() as t:
            row = await self.reach(t, row, "finished", paid(charge))
            await self.enter(t, charge, payment.merchant, payment.amount)
            return row
