"""Believes that its rules know all in which questions differ."""

from __future__ import annotations

from windtunnel.catalogue.ai.semantic_cache.designs import RulesAlone

challenge = "semantic-cache"


class Yours(RulesAlone):
    pass
