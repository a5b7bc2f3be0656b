"""Who first finds the value with less time left than two computations take gets the token, and renews it behind."""

from __future__ import annotations

from windtunnel.catalogue.scale.cache_stampede import Copy, ServeStale

challenge = "cache-stampede"


class Yours(ServeStale):
    def good(self, copy: Copy) -> bool:
        return self.now() < copy.expires_s - 2 * copy.took_s
