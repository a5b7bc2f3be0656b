"""Leaves half of the places free, so that a step is short for those who are in it: it is not, and others wait."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.blocks.serving import BlockManager, Scheduler
from windtunnel.catalogue.ai.continuous_batching import SLOTS, Params

challenge = "continuous-batching"


class Yours(Scheduler):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(BlockManager(SLOTS // 16), (p.batch + 1) // 2, "chunked", p.step_tokens)
