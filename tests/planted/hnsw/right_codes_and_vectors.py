"""Compares codes of a byte for four numbers, and measures the vectors of the nearest."""

from __future__ import annotations

from windtunnel.catalogue.ai.hnsw.designs import Reranked

challenge = "hnsw"


class Yours(Reranked):
    pass
