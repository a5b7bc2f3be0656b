"""Salts the hash anew in each program, as Python does with its own."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel import Stage
from windtunnel.blocks.placement import HashRing
from windtunnel.catalogue.scale.hash_ring import Params

challenge = "hash-ring"


class Yours:
    def __init__(self, stage: Stage, p: Params) -> None:
        self.luck = stage.random("salt")
        self.salt = ""

    def settle(self, hosts: Sequence[str]) -> None:
        self.ring = HashRing(hosts, 100)

    def owners(self, keys: Sequence[str]) -> Sequence[str]:
        self.salt = self.salt or str(self.luck.random())
        return [self.ring.lookup(self.salt + key) for key in keys]
