"""Takes the lesser of two registers for the register of who is among both."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.blocks.sketches import HyperLogLog
from windtunnel.catalogue.scale.hyperloglog.designs import MergedHyperLogLog

challenge = "hyperloglog"


class Yours(MergedHyperLogLog):
    def both(self, one: Sequence[bytes], other: Sequence[bytes]) -> float:
        merged = [HyperLogLog(self.sketch.precision) for _ in (one, other)]
        for sketch, parts in zip(merged, (one, other), strict=True):
            for part in parts:
                sketch.merge(HyperLogLog.from_bytes(part))
        least = HyperLogLog(self.sketch.precision)
        least._become(bytearray(map(min, *(sketch._dense() for sketch in merged))))
        return least.estimate()
