"""Takes the remainder of the hash by the number of hosts."""

from __future__ import annotations

from windtunnel.catalogue.scale.hash_ring.designs import Modulo

challenge = "hash-ring"


class Yours(Modulo):
    pass
