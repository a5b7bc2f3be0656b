"""Pools, and for each shard a circuit and a limit of one to three calls, found from what times out."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.blocks.resilience import AdaptiveLimiter, Aimd
from windtunnel.catalogue.scale.circuit_breaker import Guarding, Pools

challenge = "circuit-breaker"


class Yours(Pools):
    def before(self) -> Sequence[Guarding]:
        return [self.breaker(), AdaptiveLimiter(Aimd(initial=2, most=3))]
