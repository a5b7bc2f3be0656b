"""What stood behind the same three words before is guessed at no cost, and else as many as pay of the small model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence as List

from windtunnel import Stage
from windtunnel.blocks.serving import Guess, NGramDrafter, Sampling, Sequence
from windtunnel.catalogue.ai.speculative_decoding import Adaptive, Params
from windtunnel.catalogue.ai.speculative_decoding.device import Device

challenge = "speculative-decoding"


class Yours(Adaptive):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.drafter = NGramDrafter(longest=4, shortest=4)

    async def guess(self, device: Device, running: List[Sequence]) -> Mapping[object, List[Guess]]:
        quoted = self.drafter.propose([(one, 4, Sampling()) for one in running])
        found = {one.name: guesses for one, guesses in zip(running, quoted, strict=True) if guesses}
        return found | dict(await super().guess(device, [one for one in running if one.name not in found]))
