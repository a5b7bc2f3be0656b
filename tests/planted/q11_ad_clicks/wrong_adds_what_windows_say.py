"""Adds each result of a window to the bill: one that is corrected, or sent again after a death, is added once more."""

from __future__ import annotations

from windtunnel.catalogue.interview.q11_ad_clicks.jobs import Corrected
from windtunnel.engines import Plus, Statements

challenge = "q11-ad-clicks"


class Yours(Corrected):
    async def keep(self, t: Statements, name: str, ad: int, start_ms: int, cents: int, revision: int) -> None:
        if not await t.update("window", {"id": name}, {"cents": Plus(cents), "revision": revision}):
            await t.insert("window", {"id": name, "ad": ad, "start_ms": start_ms, "cents": cents, "revision": revision})
