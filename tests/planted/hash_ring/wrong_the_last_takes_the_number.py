"""Numbers hosts for jump hash, and gives the last one the number of the one that went."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel import Stage
from windtunnel.blocks.placement import jump_hash_many
from windtunnel.catalogue.scale.hash_ring import Params
from windtunnel.catalogue.scale.hash_ring.designs import named

challenge = "hash-ring"


class Yours:
    def __init__(self, stage: Stage, p: Params) -> None:
        self.hosts = list[str]()

    def settle(self, hosts: Sequence[str]) -> None:
        self.hosts += [host for host in hosts if host not in self.hosts]
        while gone := [host for host in self.hosts if host not in hosts]:
            last = self.hosts.pop()
            if last != gone[0]:
                self.hosts[self.hosts.index(gone[0])] = last

    def owners(self, keys: Sequence[str]) -> Sequence[str]:
        return named(self.hosts, jump_hash_many(list(keys), len(self.hosts)))
