"""Notes what was deleted, and looks at the note only where there is a filter."""

from __future__ import annotations

import numpy as np

from windtunnel import Stage
from windtunnel.catalogue.ai.hnsw import Array, Setting, Space
from windtunnel.catalogue.ai.hnsw.designs import Layers

challenge = "hnsw"


class Yours(Layers):
    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.gone: list[int] = []

    def delete(self, space: Space, keys: Array) -> None:
        self.gone += keys.tolist()

    def search(self, space: Space, queries: Array, k: int, ef: int, allowed: Array | None) -> Array:
        left = None if allowed is None else np.setdiff1d(allowed, self.gone)
        return super().search(space, queries, k, ef, left)
