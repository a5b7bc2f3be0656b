"""An intent first; then the payer's own key for bank and shop, and one transaction; a job ends what is left open."""

from __future__ import annotations

import contextlib

from windtunnel.blocks.durability import KeyReused
from windtunnel.catalogue.interview.q15_payments.designs import BOOKED, DECLINED, RetryOnTimeout, paid, same
from windtunnel.catalogue.interview.q15_payments.desk import Tables
from windtunnel.catalogue.interview.q15_payments.world import Payment
from windtunnel.engines import Conflict, Row

challenge = "q15-payments"
TABLES: Tables = {
    **BOOKED,
    "intent": ({"id": str, "order_no": int, "amount": int, "merchant": int, "body": str}, ()),
}


class Yours(RetryOnTimeout):
    tables = TABLES

    async def pay(self, payment: Payment) -> str:
        row: Row = {
            "id": payment.key,
            "order_no": payment.order,
            "amount": payment.amount,
            "merchant": payment.merchant,
            "body": "",
        }
        first = True
        try:
            await self.desk.db.insert("intent", row)
        except Conflict:
            first = False
        if not first:
            known = await self.desk.db.get("intent", payment.key)
            if known is None or not same(known, payment):
                raise KeyReused(payment.key)
            if known["body"]:
                return str(known["body"])
        charge = 0 if first else await self.desk.call("bank", "find", payment.key)
        charge = charge or await self.charge(payment, payment.key)
        body = paid(charge) if charge else DECLINED
        if charge:
            await self.tell_shop(payment.order, payment.key)
        async with self.desk.db.transaction() as t:
            noted = await t.update("intent", {"id": payment.key, "body": ""}, {"body": body})
            if noted and charge:
                await self.book(t, payment, charge)
        if not noted:
            known = await self.desk.db.get("intent", payment.key)
            return str(known["body"]) if known is not None else body
        return body

    async def sweep(self) -> None:
        for row in await self.desk.db.select("intent", {"body": ""}):
            with contextlib.suppress(OSError):
                await self.pay(
                    Payment(str(row["id"]), int(row["order_no"]), int(row["amount"]), int(row["merchant"]))  # type: ignore[arg-type]
                )
        with contextlib.suppress(OSError):
            for charge, *_, reference in await self.desk.call("bank", "statement"):
                known = await self.desk.db.get("intent", reference)
                if known is not None and not known["body"]:
                    continue
                if await self.desk.db.get("payment", charge) is None:
                    await self.desk.call("bank", "refund", charge)
