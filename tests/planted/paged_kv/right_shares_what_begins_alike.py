"""Blocks that are found by what stands in them and in all before."""

from __future__ import annotations

from windtunnel.catalogue.ai.paged_kv import PagedShared

challenge = "paged-kv"


class Yours(PagedShared):
    pass
