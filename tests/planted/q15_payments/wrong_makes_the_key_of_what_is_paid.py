"""The key is made of order and amount, the payer's own is not looked at: two payments with one key are both taken."""

from __future__ import annotations

from windtunnel.catalogue.interview.q15_payments.keys import Reconciled
from windtunnel.catalogue.interview.q15_payments.world import Payment

challenge = "q15-payments"


class Yours(Reconciled):
    async def pay(self, payment: Payment) -> str:
        return await super().pay(payment._replace(key=f"{payment.order} for {payment.amount}"))
