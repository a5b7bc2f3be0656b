"""A connection that broke is logged and the permit given back: who used it is told that all went well."""

from __future__ import annotations

from contextlib import suppress

from windtunnel.catalogue.concurrency.primitives import Fitted, Pool

challenge = "primitives"


class Yours(Fitted):
    async def use(self, pool: Pool, wait: bool, breaks: bool) -> None:
        with suppress(ConnectionError):
            await super().use(pool, wait, breaks)
