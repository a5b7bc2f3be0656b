"""Whoever reads a value has it computed anew behind his back, if nobody is at it, so that it is always fresh."""

from __future__ import annotations

from windtunnel.catalogue.scale.cache_stampede import Copy, ServeStale

challenge = "cache-stampede"


class Yours(ServeStale):
    def good(self, copy: Copy) -> bool:
        return False
