"""Registers in a dictionary, the hash given as a function, the zeros counted as the paper of 2007 does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import log

from windtunnel import Stage
from windtunnel.catalogue.scale.hyperloglog import Setting

challenge = "hyperloglog"


@dataclass
class Registers:
    runs: dict[int, int] = field(default_factory=dict)

    def raise_to(self, at: int, run: int) -> None:
        self.runs[at] = max(run, self.runs.get(at, 0))


class Yours:
    def __init__(self, stage: Stage, p: Setting) -> None:
        self.stage, self.many = stage, 1 << p.precision
        self.hash: Callable[[bytes], bytes] = lambda text: hashlib.blake2b(text, digest_size=8).digest()
        self.registers = Registers()

    def add(self, visitor: str) -> None:
        rest, at = divmod(int.from_bytes(self.hash(visitor.encode()), "big"), self.many)
        self.registers.raise_to(at, (rest & -rest).bit_length() or 64)

    def store(self) -> bytes:
        return bytes(self.registers.runs.get(at, 0) for at in range(self.many))

    def total(self, parts: Sequence[bytes]) -> float:
        runs = list(map(max, zip(*parts, strict=True)))
        found = 0.7213 / (1 + 1.079 / self.many) * self.many**2 / sum(2.0**-run for run in runs)
        zeros = runs.count(0)
        return self.many * log(self.many / zeros) if found <= 2.5 * self.many and zeros else found

    def both(self, one: Sequence[bytes], other: Sequence[bytes]) -> float:
        return self.total(one) + self.total(other) - self.total([*one, *other])
