"""Links each item to some that chance chooses: a small world, it believes."""

from __future__ import annotations

from windtunnel.catalogue.ai.hnsw.designs import RandomGraph

challenge = "hnsw"


class Yours(RandomGraph):
    pass
