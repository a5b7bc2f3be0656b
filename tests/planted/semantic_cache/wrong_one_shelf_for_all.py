"""Has rules and a bound, and keeps what all companies ask in one place."""

from __future__ import annotations

from windtunnel.catalogue.ai.semantic_cache import Desk, Shelf
from windtunnel.catalogue.ai.semantic_cache.designs import CalibratedWithRules

challenge = "semantic-cache"


class Yours(CalibratedWithRules):
    def shelf(self, desk: Desk, tenant: str) -> Shelf:
        return super().shelf(desk, "")
