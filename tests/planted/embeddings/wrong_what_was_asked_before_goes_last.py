"""Puts back what it has told to somebody already, so that everybody sees something new."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel import Stage
from windtunnel.catalogue.ai.embeddings import Setting
from windtunnel.catalogue.ai.embeddings.designs import Reranked

challenge = "embeddings"


class Yours(Reranked):
    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.first: set[int] = set()

    def search(self, query: str, k: int) -> Sequence[int]:
        found = sorted(super().search(query, k), key=self.first.__contains__)
        self.first.update(found[:1])
        return found
