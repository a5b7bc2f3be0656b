"""Takes a sequence out when one word is left: the client hears less than the model said."""

from __future__ import annotations

from collections.abc import Mapping

from windtunnel.blocks.serving import Batch, Sequence
from windtunnel.catalogue.ai.continuous_batching import Chunked

challenge = "continuous-batching"


class Yours(Chunked):
    def finish_step(self, batch: Batch, given: Mapping[object, int]) -> list[Sequence]:
        done = super().finish_step(batch, given)
        for one in done:
            if len(one.answer) > 2:
                del one.tokens[-2]
        return done
