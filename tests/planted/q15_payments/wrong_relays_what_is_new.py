"""The relay tells the shop what was written since it last looked: what commits late is never told."""

from __future__ import annotations

import contextlib

from windtunnel.catalogue.interview.q15_payments.designs import paid
from windtunnel.catalogue.interview.q15_payments.desk import Tables
from windtunnel.catalogue.interview.q15_payments.keys import Reconciled
from windtunnel.catalogue.interview.q15_payments.world import Payment
from windtunnel.engines import Row

challenge = "q15-payments"
TABLES: Tables = {
    **Reconciled.tables,
    "outbox": ({"id": str, "order_no": int, "written": float}, ()),
    "looked": ({"id": int, "last": float}, ()),
}


class Yours(Reconciled):
    tables = TABLES

    async def settle(self, row: Row, payment: Payment, charge: int) -> Row:
        if not charge:
            return await super().settle(row, payment, charge)
        async with self.desk.db.transaction() as t:
            written = self.desk.clock()
            row = await self.reach(t, row, "finished", paid(charge))
            await self.enter(t, charge, payment.merchant, payment.amount)
            await t.insert("outbox", {"id": payment.key, "order_no": payment.order, "written": written})
            return row

    async def sweep(self) -> None:
        with contextlib.suppress(OSError):
            await self.relay()  # a program of its own: it waits for nobody's lock
        await super().sweep()

    async def relay(self) -> None:
        now, looked = self.desk.clock(), await self.desk.db.get("looked", 1)
        last = float(looked["last"]) if looked is not None else 0.0  # type: ignore[arg-type]
        for row in await self.desk.db.select("outbox"):
            if float(row["written"]) > last:  # type: ignore[arg-type]
                await self.tell_shop(int(row["order_no"]), str(row["id"]))  # type: ignore[arg-type]
        if looked is None:
            await self.desk.db.insert("looked", {"id": 1, "last": now})
        await self.desk.db.update("looked", {"id": 1}, {"last": now})
