"""The same with half as many tokens a step: words come more evenly, prompts later."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.blocks.serving import BlockManager, Scheduler
from windtunnel.catalogue.ai.continuous_batching import SLOTS, Params

challenge = "continuous-batching"


class Yours(Scheduler):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(BlockManager(SLOTS // 16), p.batch, "chunked", 256)
