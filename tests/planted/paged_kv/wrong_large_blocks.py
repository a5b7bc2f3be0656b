"""Blocks of 256 tokens, to have short tables."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.blocks.serving import BlockManager
from windtunnel.catalogue.ai.paged_kv import Params

challenge = "paged-kv"


class Yours(BlockManager):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(p.slots // 256, 256)
