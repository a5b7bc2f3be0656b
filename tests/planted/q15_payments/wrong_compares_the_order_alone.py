"""Of a key that is known the order is compared and not the amount: who sends another amount hears that it is paid."""

from __future__ import annotations

from windtunnel.catalogue.interview.q15_payments.keys import Reconciled
from windtunnel.catalogue.interview.q15_payments.world import Payment
from windtunnel.engines import Row

challenge = "q15-payments"


class Yours(Reconciled):
    async def take(self, payment: Payment) -> Row:
        known = await self.desk.db.get("idem", payment.key)
        if known is not None and known["order_no"] == payment.order:
            payment = payment._replace(amount=int(known["amount"]))  # type: ignore[arg-type]
        return await super().take(payment)
