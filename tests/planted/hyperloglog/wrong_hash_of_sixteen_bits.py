"""Hashes to sixteen bits, of which few are left for runs of zeros."""

from __future__ import annotations

import zlib

from windtunnel.catalogue.scale.hyperloglog.designs import RawHyperLogLog

challenge = "hyperloglog"


class Yours(RawHyperLogLog):
    def add(self, visitor: str) -> None:
        h, rest = zlib.crc32(visitor.encode()) >> 16, 16 - self.precision
        run = rest - (h & (1 << rest) - 1).bit_length() + 1
        self.registers[h >> rest] = max(self.registers[h >> rest], run)
