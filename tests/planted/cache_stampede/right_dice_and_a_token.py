"""Dice before the value expires, one token for all who throw well, and the old value meanwhile."""

from __future__ import annotations

from windtunnel.blocks.caching import due_early
from windtunnel.catalogue.scale.cache_stampede import Copy, ServeStale

challenge = "cache-stampede"


class Yours(ServeStale):
    def good(self, copy: Copy) -> bool:
        return not due_early(self.now(), copy.expires_s, copy.took_s, self.stage.luck("early"), 2.0)
