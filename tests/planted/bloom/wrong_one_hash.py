"""Sets one bit a key, since more hashes are more work."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from windtunnel.catalogue.scale.bloom.designs import NoFilter

challenge = "bloom"


class Yours(NoFilter):
    def begin(self, expected: int, error: float) -> None:
        self.bits = bytearray(10 * expected // 8)

    def place(self, key: str) -> tuple[int, int]:
        at = zlib.crc32(key.encode()) % (8 * len(self.bits))
        return at >> 3, 1 << (at & 7)

    def add(self, key: str) -> None:
        at, bit = self.place(key)
        self.bits[at] |= bit

    def may_have(self, key: str) -> bool:
        at, bit = self.place(key)
        return bool(self.bits[at] & bit)

    def store(self, keys: Iterable[str]) -> bytes:
        return bytes(self.bits)

    def load(self, stored: bytes) -> None:
        self.bits = bytearray(stored)
