"""A key that is known gets its answer, whatever is asked for: who sends another payment is told that it is paid."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.interview.q15_payments.designs import Setting
from windtunnel.catalogue.interview.q15_payments.keys import Reconciled
from windtunnel.catalogue.interview.q15_payments.world import Payment
from windtunnel.engines import Row

challenge = "q15-payments"


class Yours(Reconciled):
    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)

    async def take(self, payment: Payment) -> Row:
        known = await self.desk.db.get("idem", payment.key)
        if known is not None:
            payment = Payment(payment.key, int(known["order_no"]), int(known["amount"]), payment.merchant)  # type: ignore[arg-type]
        return await super().take(payment)
