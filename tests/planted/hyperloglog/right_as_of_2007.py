"""Registers and their harmonic mean, and zeros in its place while there are many: the paper of 2007."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from windtunnel.catalogue.scale.hyperloglog.designs import RawHyperLogLog

challenge = "hyperloglog"


class Yours(RawHyperLogLog):
    def total(self, parts: Sequence[bytes]) -> float:
        m = 1 << self.precision
        zeros = sum(not any(runs) for runs in zip(*parts, strict=True))
        found = super().total(parts)
        return m * log(m / zeros) if found <= 2.5 * m and zeros else found
