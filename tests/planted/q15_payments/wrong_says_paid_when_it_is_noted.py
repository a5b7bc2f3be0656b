"""The payer hears that he has paid as soon as his wish is noted; the job charges the card later, twice if need be."""

from __future__ import annotations

import contextlib

from windtunnel.blocks.durability import KeyBusy
from windtunnel.catalogue.interview.q15_payments.keys import Reconciled
from windtunnel.catalogue.interview.q15_payments.world import Payment
from windtunnel.engines import Row

challenge = "q15-payments"


class Yours(Reconciled):
    job = False

    async def pay(self, payment: Payment) -> str:
        if self.job:
            return await super().pay(payment)
        with contextlib.suppress(KeyBusy):
            row = await self.take(payment)
            await self.free(row)
        return "paid"

    async def ask_bank(self, row: Row, payment: Payment) -> int:
        return await super().ask_bank(row, payment) or await self.charge(payment, f"again/{payment.key}")

    async def sweep(self) -> None:
        self.job = True
        await super().sweep()
        self.job = False
