"""Each dependency has a pool of its own: that of the sick shard is full, and its neighbours share it."""

from __future__ import annotations

from windtunnel.catalogue.scale.circuit_breaker import Pools

challenge = "circuit-breaker"


class Yours(Pools):
    pass
