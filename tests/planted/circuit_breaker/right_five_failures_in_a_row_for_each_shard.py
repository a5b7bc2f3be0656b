"""Of a shard all calls fail or none: five failures in a row open its circuit, behind which there are two at a time."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.blocks.resilience import Bulkhead
from windtunnel.catalogue.scale.circuit_breaker import A_SHARD, Counter, Guarding, Pools

challenge = "circuit-breaker"


class Yours(Pools):
    def before(self) -> Sequence[Guarding]:
        return [Counter(lambda: self.sim.now), Bulkhead(A_SHARD)]
