"""The least hashes that were seen: how close they lie tells how many there are; both, by totals."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nsmallest

from windtunnel import Stage
from windtunnel.blocks.ground import stable_hash
from windtunnel.catalogue.scale.hyperloglog import Setting

challenge = "hyperloglog"


class Yours:
    def __init__(self, stage: Stage, p: Setting) -> None:
        self.most = ((1 << p.precision) + 192) // 5
        self.seen: list[int] = []

    def add(self, visitor: str) -> None:
        self.seen.append(stable_hash(visitor) >> 24)
        if len(self.seen) > 3 * self.most:
            self.seen = nsmallest(self.most, set(self.seen))

    def store(self) -> bytes:
        return b"".join(one.to_bytes(5, "big") for one in nsmallest(self.most, set(self.seen)))

    def total(self, parts: Sequence[bytes]) -> float:
        seen = {part[i : i + 5] for part in parts for i in range(0, len(part), 5)}
        least = nsmallest(self.most, seen)
        if len(least) < self.most:
            return len(least)
        return (self.most - 1) * 2.0**40 / int.from_bytes(least[-1], "big")

    def both(self, one: Sequence[bytes], other: Sequence[bytes]) -> float:
        return self.total(one) + self.total(other) - self.total([*one, *other])
