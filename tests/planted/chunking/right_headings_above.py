"""Cuts before headings, and puts those that stand above a chunk above it."""

from __future__ import annotations

from windtunnel.catalogue.ai.chunking.designs import Headed

challenge = "chunking"


class Yours(Headed):
    pass
