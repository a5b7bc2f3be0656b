"""Puts the hundred points of a host side by side, where its name hashes to."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence

from windtunnel import Stage
from windtunnel.blocks.ground import stable_hash
from windtunnel.catalogue.scale.hash_ring import Params

challenge = "hash-ring"


class Yours:
    def __init__(self, stage: Stage, p: Params) -> None:
        pass

    def settle(self, hosts: Sequence[str]) -> None:
        self.line = sorted((stable_hash(host) + i, host) for host in hosts for i in range(100))

    def owners(self, keys: Sequence[str]) -> Sequence[str]:
        return [self.line[bisect(self.line, (stable_hash(key), "")) % len(self.line)][1] for key in keys]
