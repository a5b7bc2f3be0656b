"""Bits of its own for twice the keys that are expected, and a hash that is given as a function."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from windtunnel.catalogue.scale.bloom.designs import NoFilter

challenge = "bloom"


@dataclass
class Bits:
    size: int

    def __post_init__(self) -> None:
        self.bits = bytearray(self.size // 8 + 1)


class Yours(NoFilter):
    def begin(self, expected: int, error: float) -> None:
        self.hash: Callable[[str], bytes] = lambda key: hashlib.blake2b(key.encode(), digest_size=16).digest()
        self.filter = Bits(20 * expected)

    def places(self, key: str) -> list[int]:
        one, other = (int.from_bytes(self.hash(key)[at : at + 8], "big") for at in (0, 8))
        return [(one + i * other) % self.filter.size for i in range(7)]

    def add(self, key: str) -> None:
        for at in self.places(key):
            self.filter.bits[at >> 3] |= 1 << (at & 7)

    def may_have(self, key: str) -> bool:
        return all(self.filter.bits[at >> 3] >> (at & 7) & 1 for at in self.places(key))

    def store(self, keys: Iterable[str]) -> bytes:
        return self.filter.size.to_bytes(8, "big") + self.filter.bits

    def load(self, stored: bytes) -> None:
        self.filter = Bits(int.from_bytes(stored[:8], "big"))
        self.filter.bits[:] = stored[8:]
