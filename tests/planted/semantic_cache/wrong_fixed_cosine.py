"""Takes a cosine of .8 for the same question."""

from __future__ import annotations

from windtunnel.catalogue.ai.semantic_cache.designs import FixedCosine

challenge = "semantic-cache"


class Yours(FixedCosine):
    pass
