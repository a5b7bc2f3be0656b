"""Speculative decoding that verifies nothing: beside each word it takes a second one, which a cheap draft guessed."""

from __future__ import annotations

from collections.abc import Mapping

from windtunnel.blocks.serving import Batch, Sequence
from windtunnel.catalogue.ai.continuous_batching import Chunked
from windtunnel.parts import STOP, VOCABULARY

challenge = "continuous-batching"


class Yours(Chunked):
    def finish_step(self, batch: Batch, given: Mapping[object, int]) -> list[Sequence]:
        done = super().finish_step(batch, given)
        for one, _ in batch.work:
            if one.state == "running" and one.name in given and given[one.name] != STOP:
                one.give((given[one.name] + 1) % VOCABULARY)
        return done
