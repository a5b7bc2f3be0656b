"""Compares every passage with the query word by word, without a first search."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel import Stage
from windtunnel.blocks.retrieval import LateInteraction
from windtunnel.catalogue.ai.embeddings import Library, Setting

challenge = "embeddings"


class Yours:
    def __init__(self, stage: Stage, p: Setting) -> None:
        self.numbers: list[int] = []

    def index(self, library: Library) -> None:
        self.encoder = library.encoder
        self.late = LateInteraction(self.encoder.dim)
        self.numbers = list(self.late.add(self.encoder.words(text)[0] for text in library.passages))

    def search(self, query: str, k: int) -> Sequence[int]:
        vectors, rarity = self.encoder.words(query)
        return self.late.rerank(vectors, self.numbers, rarity)[:k]
