"""Takes the links away with what is deleted, and closes no hole."""

from __future__ import annotations

from windtunnel.catalogue.ai.hnsw import Array, Space
from windtunnel.catalogue.ai.hnsw.designs import CutOut

challenge = "hnsw"


class Yours(CutOut):
    def search(self, space: Space, queries: Array, k: int, ef: int, allowed: Array | None) -> Array:
        if allowed is not None and self.graph is not None:
            return self.graph.search(queries, k, ef, allowed)
        return super().search(space, queries, k, ef, allowed)
