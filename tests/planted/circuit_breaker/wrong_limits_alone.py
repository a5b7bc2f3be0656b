"""Two calls at a time to each shard, for as long as it hangs: nobody stops asking it."""

from __future__ import annotations

from windtunnel.catalogue.scale.circuit_breaker import ShardLimits

challenge = "circuit-breaker"


class Yours(ShardLimits):
    pass
