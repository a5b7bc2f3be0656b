"""Ranks by vectors alone, since they understand everything."""

from __future__ import annotations

from windtunnel.catalogue.ai.embeddings.designs import Dense

challenge = "embeddings"


class Yours(Dense):
    pass
