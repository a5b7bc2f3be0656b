"""No job ends what is left open: a payer who wants his goods will ask again."""

from __future__ import annotations

import contextlib

from windtunnel.catalogue.interview.q15_payments.keys import Reconciled

challenge = "q15-payments"


class Yours(Reconciled):
    async def sweep(self) -> None:
        with contextlib.suppress(OSError):
            await self.relay()
