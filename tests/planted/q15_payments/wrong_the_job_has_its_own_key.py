"""The job that ends what is left open is another program, and has a key of its own for the bank."""

from __future__ import annotations

import contextlib

from windtunnel.catalogue.interview.q15_payments.keys import LedgerOutbox
from windtunnel.catalogue.interview.q15_payments.world import Payment
from windtunnel.engines import Row

challenge = "q15-payments"


class Yours(LedgerOutbox):
    job = False

    async def ask_bank(self, row: Row, payment: Payment) -> int:
        return await self.charge(payment, f"{'job' if self.job else 'till'}/{payment.key}")

    async def sweep(self) -> None:
        self.job = True
        with contextlib.suppress(OSError):
            await super().sweep()
        self.job = False
