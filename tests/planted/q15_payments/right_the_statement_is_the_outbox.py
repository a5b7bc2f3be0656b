"""No key of ours first, one transaction: what a payer left is ended from the bank's statement, by its reference."""

from __future__ import annotations

import contextlib

from windtunnel.blocks.durability import KeyReused
from windtunnel.catalogue.interview.q15_payments.designs import PassedOn, paid
from windtunnel.catalogue.interview.q15_payments.world import Payment

challenge = "q15-payments"


class Yours(PassedOn):
    def foreign(self, payment: Payment) -> str:
        return f"{payment.merchant}/{payment.key}"

    async def sweep(self) -> None:
        with contextlib.suppress(OSError):
            for charge, order, amount, reference in await self.desk.call("bank", "statement"):
                merchant, _, key = reference.partition("/")
                await self.end(Payment(key, order, amount, int(merchant)), charge)

    async def end(self, payment: Payment, charge: int) -> None:
        """Book what is in no book; give back what is there by another charge."""
        try:
            body = await self.known(payment)
            if not body:
                await self.tell_shop(payment.order, payment.key)
                body = await self.note(payment, charge)
        except KeyReused:
            body = ""
        if body != paid(charge):
            await self.desk.call("bank", "refund", charge)
