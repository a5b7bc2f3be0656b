"""Numbers hosts in the order of their coming, for jump hash."""

from __future__ import annotations

from windtunnel.catalogue.scale.hash_ring.designs import Jump

challenge = "hash-ring"


class Yours(Jump):
    pass
