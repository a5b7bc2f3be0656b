"""One computes and all others wait for that, though there was an old value."""

from __future__ import annotations

from windtunnel.catalogue.scale.cache_stampede import Lock

challenge = "cache-stampede"


class Yours(Lock):
    pass
