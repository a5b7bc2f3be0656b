"""Dice before the value expires, one token, and the old value meanwhile."""

from __future__ import annotations

from windtunnel.catalogue.scale.cache_stampede import EarlyAndStale

challenge = "cache-stampede"


class Yours(EarlyAndStale):
    pass
