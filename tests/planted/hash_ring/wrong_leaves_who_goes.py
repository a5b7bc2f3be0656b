"""Adds who comes to its ring, and never takes away who goes."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel import Stage
from windtunnel.blocks.placement import HashRing
from windtunnel.catalogue.scale.hash_ring import Params

challenge = "hash-ring"


class Yours:
    def __init__(self, stage: Stage, p: Params) -> None:
        self.ring = HashRing([], 100)

    def settle(self, hosts: Sequence[str]) -> None:
        for host in hosts:
            if host not in self.ring:
                self.ring.add(host)

    def owners(self, keys: Sequence[str]) -> Sequence[str]:
        return [self.ring.lookup(key) for key in keys]
