"""Each dependency may use as many threads as there are, which makes twice as many."""

from __future__ import annotations

from windtunnel.blocks.resilience import Bulkhead
from windtunnel.catalogue.scale.circuit_breaker import BreakersAndLimits

challenge = "circuit-breaker"


class Yours(BreakersAndLimits):
    def guard(self) -> None:
        pool = Bulkhead(self.p.threads)
        self.first_guards = [Bulkhead(self.p.threads)]
        self.shard_guards = [[*self.before(), pool] for _ in range(self.p.shards)]
