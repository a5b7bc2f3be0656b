"""One transaction around everything, the charge in its midst: whatever fails is rolled back, and the key with it."""

from __future__ import annotations

from windtunnel.blocks.durability import KeyReused
from windtunnel.catalogue.interview.q15_payments.designs import DECLINED, CheckThenInsert, paid
from windtunnel.catalogue.interview.q15_payments.world import Payment
from windtunnel.engines import Conflict, Row

challenge = "q15-payments"


class Yours(CheckThenInsert):
    async def pay(self, payment: Payment) -> str:
        try:
            async with self.desk.db.transaction() as t:
                row: Row = {"id": payment.key, "order_no": payment.order, "amount": payment.amount, "body": ""}
                await t.insert("known", row)
                charge = await self.charge(payment)
                body = paid(charge) if charge else DECLINED
                if charge:
                    await self.tell_shop(payment.order, payment.key)
                    await self.book(t, payment, charge)
                await t.update("known", {"id": payment.key}, {"body": body})
            return body
        except Conflict:
            known = await self.known(payment)
            if not known:
                raise KeyReused(payment.key) from None
            return known
