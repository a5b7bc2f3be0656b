"""Blocks of sixteen tokens, none shared."""

from __future__ import annotations

from windtunnel.catalogue.ai.paged_kv import Paged

challenge = "paged-kv"


class Yours(Paged):
    pass
