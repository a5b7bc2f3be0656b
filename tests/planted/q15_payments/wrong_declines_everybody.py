"""Nobody is charged twice who is not charged at all: every payment is declined."""

from __future__ import annotations

from windtunnel.catalogue.interview.q15_payments.designs import DECLINED, RetryOnTimeout
from windtunnel.catalogue.interview.q15_payments.world import Payment

challenge = "q15-payments"


class Yours(RetryOnTimeout):
    async def pay(self, payment: Payment) -> str:
        return DECLINED
