"""Takes a vector that it has already for the same item, and keeps the first."""

from __future__ import annotations

from windtunnel.catalogue.ai.hnsw import Array, Space
from windtunnel.catalogue.ai.hnsw.designs import Layers

challenge = "hnsw"


class Yours(Layers):
    def add(self, space: Space, keys: Array) -> None:
        super().add(space, keys[space.same(keys) == keys])

    def delete(self, space: Space, keys: Array) -> None:
        super().delete(space, keys[space.same(keys) == keys])
