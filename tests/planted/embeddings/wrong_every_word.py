"""Wants every word of the query, as SQL's LIKE does with AND."""

from __future__ import annotations

from windtunnel.catalogue.ai.embeddings.designs import Keywords

challenge = "embeddings"


class Yours(Keywords):
    pass
