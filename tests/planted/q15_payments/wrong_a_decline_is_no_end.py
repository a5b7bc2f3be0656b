"""A decline is not noted as an answer: who asks again may have more luck, and two who ask hear two things."""

from __future__ import annotations

from windtunnel.catalogue.interview.q15_payments.designs import DECLINED
from windtunnel.catalogue.interview.q15_payments.keys import Reconciled
from windtunnel.catalogue.interview.q15_payments.world import Payment
from windtunnel.engines import Row

challenge = "q15-payments"


class Yours(Reconciled):
    async def ask_bank(self, row: Row, payment: Payment) -> int:
        return await self.charge(
            payment, f"till/{payment.key}/{row['version']}" if row["body"] else f"till/{payment.key}"
        )

    async def settle(self, row: Row, payment: Payment, charge: int) -> Row:
        if charge:
            return await super().settle(row, payment, charge)
        await self.desk.db.update("idem", {"id": row["id"]}, {"body": DECLINED, "until": 0.0})
        return {**row, "open": 0, "body": DECLINED}
