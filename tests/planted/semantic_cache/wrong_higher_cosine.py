"""Raises the cosine to .95."""

from __future__ import annotations

from windtunnel.catalogue.ai.semantic_cache.designs import StrictCosine

challenge = "semantic-cache"


class Yours(StrictCosine):
    pass
