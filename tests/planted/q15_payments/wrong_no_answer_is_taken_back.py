"""Where the bank does not answer, what it may have charged is given back and the payer told no; he could have paid."""

from __future__ import annotations

from windtunnel.catalogue.interview.q15_payments.designs import DECLINED
from windtunnel.catalogue.interview.q15_payments.keys import Reconciled
from windtunnel.catalogue.interview.q15_payments.world import Payment
from windtunnel.engines import Row

challenge = "q15-payments"


class Yours(Reconciled):
    async def go_on(self, row: Row, payment: Payment) -> Row:
        try:
            return await super().go_on(row, payment)
        except TimeoutError:
            found: int = await self.desk.call("bank", "find", f"till/{payment.key}")
            if found:
                await self.desk.call("bank", "refund", found)
            return await self.reach(self.desk.db, row, "finished", DECLINED)
