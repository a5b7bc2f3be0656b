"""The shop is told first, since packing takes its time; whose card is declined has got his goods for nothing."""

from __future__ import annotations

from windtunnel.catalogue.interview.q15_payments.keys import Reconciled
from windtunnel.catalogue.interview.q15_payments.world import Payment
from windtunnel.engines import Row

challenge = "q15-payments"


class Yours(Reconciled):
    async def go_on(self, row: Row, payment: Payment) -> Row:
        if row["point"] == "started":
            await self.tell_shop(payment.order, payment.key)
        return await super().go_on(row, payment)
