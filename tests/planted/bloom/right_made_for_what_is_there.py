"""A Bloom filter made anew for what is there whenever it is stored, and another that grows for what comes."""

from __future__ import annotations

from collections.abc import Iterable

from windtunnel.blocks.sketches import BloomFilter, ScalableBloomFilter
from windtunnel.catalogue.scale.bloom.designs import NoFilter

challenge = "bloom"


class Yours(NoFilter):
    def begin(self, expected: int, error: float) -> None:
        self.error = error
        self.old = BloomFilter(1, error)
        self.young = ScalableBloomFilter(max(1, expected // 8), error)

    def add(self, key: str) -> None:
        self.young.add(key)

    def may_have(self, key: str) -> bool:
        return key in self.old or key in self.young

    def store(self, keys: Iterable[str]) -> bytes:
        there = list(keys)
        made = BloomFilter(max(1, len(there)), self.error)
        for key in there:
            made.add(key)
        return made.to_bytes()

    def load(self, stored: bytes) -> None:
        self.old = BloomFilter.from_bytes(stored)
