"""No lock on a key: two may ask the bank at once, which knows the key, and who notes it first has noted it."""

from __future__ import annotations

import contextlib

from windtunnel.blocks.durability import KeyReused
from windtunnel.catalogue.interview.q15_payments.designs import same
from windtunnel.catalogue.interview.q15_payments.keys import Reconciled, begun
from windtunnel.catalogue.interview.q15_payments.world import Payment
from windtunnel.engines import Conflict, Row

challenge = "q15-payments"


class Yours(Reconciled):
    async def take(self, payment: Payment) -> Row:
        row = begun(payment, 0.0)
        with contextlib.suppress(Conflict):
            await self.desk.db.insert("idem", row)
            return row
        known = await self.desk.db.get("idem", payment.key)
        if known is None or not same(known, payment):
            raise KeyReused(payment.key)
        return {**known, "version": 2}
