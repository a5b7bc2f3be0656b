"""A fallback without a warning: who is refused or waits in vain is told that all went well."""

from __future__ import annotations

import contextlib

from windtunnel import process
from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.circuit_breaker import BreakersAndLimits

challenge = "circuit-breaker"


class Yours(BreakersAndLimits):
    @process
    async def far(self, shard: int, work_s: float) -> None:
        with contextlib.suppress(TimeoutError, Refused):
            await self.through(self.shard_guards[shard], self.shards[shard], work_s)
