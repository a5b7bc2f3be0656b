"""Keeps a node for a vector, and drops the node with the first item that goes of those that have it."""

from __future__ import annotations

import numpy as np

from windtunnel.catalogue.ai.hnsw import Array, Space
from windtunnel.catalogue.ai.hnsw.designs import Layers

challenge = "hnsw"


class Yours(Layers):
    here: Array = np.empty(0, np.int64)

    def add(self, space: Space, keys: Array) -> None:
        self.here = np.concatenate([self.here, keys])
        super().add(space, keys)

    def delete(self, space: Space, keys: Array) -> None:
        equal = np.isin(space.same(self.here), space.same(keys))
        super().delete(space, self.here[equal])
        self.here = self.here[~equal]
