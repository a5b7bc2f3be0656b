"""The job clears away open keys that the bank does not know: one on its way loses its row."""

from __future__ import annotations

import contextlib

from windtunnel.blocks.durability import KeyBusy
from windtunnel.catalogue.interview.q15_payments.keys import Reconciled, noted

challenge = "q15-payments"


class Yours(Reconciled):
    async def sweep(self) -> None:
        for row in await self.desk.db.select("idem", {"open": 1}):
            with contextlib.suppress(KeyBusy, OSError):
                if await self.desk.call("bank", "find", f"till/{row['id']}"):
                    await self.pay(noted(row))
                else:
                    await self.desk.db.delete("idem", {"id": row["id"], "version": row["version"], "point": "started"})
        with contextlib.suppress(OSError):
            await self.relay()
        with contextlib.suppress(OSError):
            await self.reconcile()
