"""Cuts where vectors of sentences say that something else begins, and looks at no heading."""

from __future__ import annotations

from windtunnel.catalogue.ai.chunking.designs import Semantic

challenge = "chunking"


class Yours(Semantic):
    pass
