"""HNSW: layers, links in different directions, holes that are closed."""

from __future__ import annotations

from windtunnel.catalogue.ai.hnsw.designs import Layers

challenge = "hnsw"


class Yours(Layers):
    pass
