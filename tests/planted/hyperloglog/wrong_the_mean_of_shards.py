"""Takes the mean of the shards' counts for that of all."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from windtunnel.catalogue.scale.hyperloglog.designs import MergedHyperLogLog

challenge = "hyperloglog"


class Yours(MergedHyperLogLog):
    def total(self, parts: Sequence[bytes]) -> float:
        return fmean(super(Yours, self).total([part]) for part in parts)
