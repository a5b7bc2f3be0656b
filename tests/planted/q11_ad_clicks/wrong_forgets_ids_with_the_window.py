"""Forgets an id when its window fires: a click that comes again while its window is still corrected corrects it."""

from __future__ import annotations

from windtunnel.blocks.streams import Deduplicator
from windtunnel.catalogue.interview.q11_ad_clicks.jobs import Corrected

challenge = "q11-ad-clicks"


class Yours(Corrected):
    async def load(self) -> None:
        await super().load()
        ids, self.ids = self.ids, Deduplicator(1000, buckets=1)
        self.ids.restore(ids.dump())
