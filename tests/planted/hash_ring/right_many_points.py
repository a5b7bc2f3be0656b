"""A ring with 160 points a host."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.blocks.placement import HashRing
from windtunnel.catalogue.scale.hash_ring import Params
from windtunnel.catalogue.scale.hash_ring.designs import Ring

challenge = "hash-ring"


class Yours(Ring):
    def __init__(self, stage: Stage, p: Params) -> None:
        self.ring = HashRing((), 160)
