"""The keys are in a dict, which is fast: another server, and the next life of this one, have never seen them."""

from __future__ import annotations

from windtunnel.blocks.durability import KeyBusy, KeyReused
from windtunnel.catalogue.interview.q15_payments.designs import DECLINED, RetryOnTimeout, paid
from windtunnel.catalogue.interview.q15_payments.desk import Desk
from windtunnel.catalogue.interview.q15_payments.world import Payment

challenge = "q15-payments"


class Yours(RetryOnTimeout):
    def boot(self, desk: Desk) -> None:
        super().boot(desk)
        self.keys: dict[str, tuple[Payment, str]] = {}

    async def pay(self, payment: Payment) -> str:
        if payment.key in self.keys:
            known, body = self.keys[payment.key]
            if known != payment:
                raise KeyReused(payment.key)
            if not body:
                raise KeyBusy(payment.key)
            return body
        self.keys[payment.key] = (payment, "")
        try:
            charge = await self.charge(payment)
            if charge:
                await self.tell_shop(payment.order, payment.key)
                async with self.desk.db.transaction() as t:
                    await self.book(t, payment, charge)
        except OSError:
            del self.keys[payment.key]
            raise
        body = paid(charge) if charge else DECLINED
        self.keys[payment.key] = (payment, body)
        return body
