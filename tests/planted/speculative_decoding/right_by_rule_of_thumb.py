"""Four guesses, one where more than a hundred share the pass, and none once fewer than half were kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence as List
from typing import Any

from windtunnel import Stage
from windtunnel.blocks.serving import Guess, Sequence
from windtunnel.catalogue.ai.speculative_decoding import Params, Rejection
from windtunnel.catalogue.ai.speculative_decoding.device import Device

challenge = "speculative-decoding"


class Yours(Rejection):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.kept = self.decided = 0

    async def guess(self, device: Device, running: List[Sequence]) -> Mapping[object, List[Guess]]:
        poor = self.decided >= 50 and self.kept < self.decided / 2
        return await device.draft(running, 0 if poor else 4 if len(running) <= 100 else 1)

    def keep(self, one: Sequence, guesses: List[Guess], laws: List[Any]) -> list[int]:
        told = super().keep(one, guesses, laws)
        self.kept += len(told) - 1
        self.decided += min(len(told), len(guesses))
        return told
