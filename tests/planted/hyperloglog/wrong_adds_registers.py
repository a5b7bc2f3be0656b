"""Adds the shards' registers in the place of taking the greater."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.scale.hyperloglog.designs import RawHyperLogLog

challenge = "hyperloglog"


class Yours(RawHyperLogLog):
    def total(self, parts: Sequence[bytes]) -> float:
        together = bytes(min(255, sum(runs)) for runs in zip(*parts, strict=True))
        return super().total([together])
