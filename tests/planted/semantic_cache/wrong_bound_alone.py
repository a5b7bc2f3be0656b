"""Learns the cosine, and has no rules: nothing passes."""

from __future__ import annotations

from windtunnel.catalogue.ai.semantic_cache.designs import Calibrated

challenge = "semantic-cache"


class Yours(Calibrated):
    pass
