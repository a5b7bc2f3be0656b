"""Every value lives a little longer or shorter by chance, and of the one that all read all find nothing together."""

from __future__ import annotations

from windtunnel.catalogue.scale.cache_stampede import JitteredExpiry

challenge = "cache-stampede"


class Yours(JitteredExpiry):
    pass
