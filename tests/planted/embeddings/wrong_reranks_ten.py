"""Compares word by word, and gives the reranker what BM25 alone has first."""

from __future__ import annotations

from windtunnel.catalogue.ai.embeddings.designs import Reranked

challenge = "embeddings"


class Yours(Reranked):
    def fused(self, query: str) -> list[int]:
        return list(self.ranked.search(query, 10))
