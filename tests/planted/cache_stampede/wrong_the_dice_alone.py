"""Everybody throws dice and nobody tells the others, so that several compute, and all where the cache is empty."""

from __future__ import annotations

from windtunnel.catalogue.scale.cache_stampede import EarlyRefresh

challenge = "cache-stampede"


class Yours(EarlyRefresh):
    pass
