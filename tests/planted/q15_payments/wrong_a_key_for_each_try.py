"""The bank gets a key for each try, lest it answer with an old error: what is tried again is another charge."""

from __future__ import annotations

from windtunnel.catalogue.interview.q15_payments.keys import Reconciled
from windtunnel.catalogue.interview.q15_payments.world import Payment
from windtunnel.engines import Row

challenge = "q15-payments"


class Yours(Reconciled):
    async def ask_bank(self, row: Row, payment: Payment) -> int:
        return await self.charge(payment, f"till/{payment.key}/{row['version']}")
