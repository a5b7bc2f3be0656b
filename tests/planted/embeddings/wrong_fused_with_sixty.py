"""Fuses both rankings with 60, as everybody does, and looks no further."""

from __future__ import annotations

from windtunnel.catalogue.ai.embeddings.designs import Fused

challenge = "embeddings"


class Yours(Fused):
    pass
