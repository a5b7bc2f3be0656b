"""The value is renewed when it has expired, and meanwhile told beyond its time."""

from __future__ import annotations

from windtunnel.catalogue.scale.cache_stampede import ServeStale

challenge = "cache-stampede"


class Yours(ServeStale):
    pass
