"""Lets a prompt wait as long as a shorter one is there: a memory of little room, where long ones never begin first."""

from __future__ import annotations

from windtunnel.blocks.serving import Batch
from windtunnel.catalogue.ai.continuous_batching import Chunked

challenge = "continuous-batching"


class Yours(Chunked):
    def schedule(self) -> Batch:
        held = [one for one in self.waiting if one.prompt_length > 1000]
        if len(held) < len(self.waiting) or self.running:
            self.waiting = [one for one in self.waiting if one.prompt_length <= 1000]
            batch = super().schedule()
            self.waiting += held
            return batch
        return super().schedule()
