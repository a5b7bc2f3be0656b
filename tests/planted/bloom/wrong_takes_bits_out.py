"""Clears the bits of a key that is deleted, which are bits of others too."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from windtunnel.catalogue.scale.bloom.designs import NoFilter

challenge = "bloom"
HASHES = 7


class Yours(NoFilter):
    def begin(self, expected: int, error: float) -> None:
        self.bits = bytearray(20 * expected // 8)

    def places(self, key: str) -> list[int]:
        first, second = zlib.crc32(key.encode()), zlib.adler32(key[::-1].encode()) | 1
        return [(first + i * second) % (8 * len(self.bits)) for i in range(HASHES)]

    def add(self, key: str) -> None:
        for at in self.places(key):
            self.bits[at >> 3] |= 1 << (at & 7)

    def remove(self, key: str) -> None:
        for at in self.places(key):
            self.bits[at >> 3] &= ~(1 << (at & 7)) & 255

    def may_have(self, key: str) -> bool:
        return all(self.bits[at >> 3] >> (at & 7) & 1 for at in self.places(key))

    def store(self, keys: Iterable[str]) -> bytes:
        return bytes(self.bits)

    def load(self, stored: bytes) -> None:
        self.bits = bytearray(stored)
