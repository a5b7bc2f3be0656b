"""One pool, of which three threads are kept for the first dependency; a circuit and a limit for each shard."""

from __future__ import annotations

from windtunnel.blocks.resilience import Bulkhead
from windtunnel.catalogue.scale.circuit_breaker import BreakersAndLimits

challenge = "circuit-breaker"


class Yours(BreakersAndLimits):
    def guard(self) -> None:
        pool, most = Bulkhead(self.p.threads), Bulkhead(self.p.threads - 3)
        self.first_guards = [pool]
        self.shard_guards = [[*self.before(), most, pool] for _ in range(self.p.shards)]
