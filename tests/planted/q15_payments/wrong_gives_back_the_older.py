"""Of two charges with one reference the older is given back, which is the one in the books."""

from __future__ import annotations

import contextlib

from windtunnel.catalogue.interview.q15_payments.keys import LedgerOutbox

challenge = "q15-payments"


class Yours(LedgerOutbox):
    async def sweep(self) -> None:
        await super().sweep()
        with contextlib.suppress(OSError):
            last: dict[str, int] = {}
            for charge, _, _, reference in await self.desk.call("bank", "statement"):
                if reference in last:
                    await self.desk.call("bank", "refund", last[reference])
                last[reference] = charge
