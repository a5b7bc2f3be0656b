"""Puts each host on the ring once."""

from __future__ import annotations

from windtunnel.catalogue.scale.hash_ring.designs import RingOfOne

challenge = "hash-ring"


class Yours(RingOfOne):
    pass
