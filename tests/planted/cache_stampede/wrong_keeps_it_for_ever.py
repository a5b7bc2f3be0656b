"""An old copy is always better than none, so it is kept, and told, for as long as nobody has made a new one."""

from __future__ import annotations

from windtunnel.catalogue.scale.cache_stampede import Ahead

challenge = "cache-stampede"


class Yours(Ahead):
    kept = 1000.0
