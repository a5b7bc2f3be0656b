"""Cuts every thirty characters, as the first page of many a tutorial does."""

from __future__ import annotations

from windtunnel.catalogue.ai.chunking.designs import Characters

challenge = "chunking"


class Yours(Characters):
    pass
