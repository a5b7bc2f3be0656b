"""Counts a click and then notes its id, as two statements: who dies between them counts it again."""

from __future__ import annotations

import contextlib

from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click
from windtunnel.catalogue.interview.q11_ad_clicks.designs import SUMS, UpdateCounter
from windtunnel.catalogue.interview.q11_ad_clicks.machines import Tables
from windtunnel.engines import Conflict

challenge = "q11-ad-clicks"
TABLES: Tables = {**SUMS, "seen": {"id": str}}


class Yours(UpdateCounter):
    tables = TABLES

    async def click(self, click: Click) -> None:
        if await self.desk.db.get("seen", click.id) is None:
            await super().click(click)
            with contextlib.suppress(Conflict):
                await self.desk.db.insert("seen", {"id": click.id})
