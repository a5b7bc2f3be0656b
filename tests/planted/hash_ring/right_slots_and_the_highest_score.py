"""Cuts the keys into slots, each of the host with the highest score for it."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel import Stage
from windtunnel.blocks.ground import stable_hash
from windtunnel.catalogue.scale.hash_ring import Params

challenge = "hash-ring"
SLOTS = 1024


class Yours:
    def __init__(self, stage: Stage, p: Params) -> None:
        pass

    def settle(self, hosts: Sequence[str]) -> None:
        self.slots = [max(hosts, key=lambda host: stable_hash(f"{host} {slot}")) for slot in range(SLOTS)]

    def owners(self, keys: Sequence[str]) -> Sequence[str]:
        return [self.slots[stable_hash(key) % SLOTS] for key in keys]
