"""Searches with answers that are made up, also for what nobody has heard of."""

from __future__ import annotations

from windtunnel.catalogue.ai.embeddings.designs import Hypothetical

challenge = "embeddings"


class Yours(Hypothetical):
    pass
