"""The payer's receipt has a number of our own, which the bank has never heard of: he cannot find his charge by it."""

from __future__ import annotations

from windtunnel.catalogue.interview.q15_payments.designs import paid
from windtunnel.catalogue.interview.q15_payments.keys import Reconciled
from windtunnel.catalogue.interview.q15_payments.world import Payment
from windtunnel.engines import Row, Statements

challenge = "q15-payments"


class Yours(Reconciled):
    order = 0

    async def settle(self, row: Row, payment: Payment, charge: int) -> Row:
        self.order = payment.order
        return await super().settle(row, payment, charge)

    async def reach(self, t: Statements, row: Row, point: str, body: str) -> Row:
        return await super().reach(t, row, point, paid(1_000_000 + self.order) if body.startswith("paid") else body)
