"""Pieces so large that a step takes half of a tenth of a second: the long prompt comes sooner, and nobody notices."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.blocks.serving import BlockManager, Scheduler
from windtunnel.catalogue.ai.continuous_batching import SLOTS, Params

challenge = "continuous-batching"


class Yours(Scheduler):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(BlockManager(SLOTS // 16), p.batch, "chunked", 1280)
