"""Who first finds the value with less time left than two computations take gets the token, and renews it behind."""

from __future__ import annotations

from windtunnel.catalogue.scale.cache_stampede import Ahead

challenge = "cache-stampede"


class Yours(Ahead):
    pass
