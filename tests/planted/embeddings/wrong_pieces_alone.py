"""Ranks pieces of words, which forgives typing, and takes that for meaning."""

from __future__ import annotations

from windtunnel.catalogue.ai.embeddings.designs import Pieces

challenge = "embeddings"


class Yours(Pieces):
    pass
