"""Guess and word of a place are drawn by the same numbers, and kept where equal (Gumbel's trick): right, and fast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence as List
from random import Random
from typing import Any

from windtunnel import Stage
from windtunnel.blocks.serving import Guess, Sequence
from windtunnel.catalogue.ai.speculative_decoding import Adaptive, Params
from windtunnel.catalogue.ai.speculative_decoding.device import Device

challenge = "speculative-decoding"


class Yours(Adaptive):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.seed = self.luck.random()

    def drawn(self, name: object, at: int, law: Any) -> int:
        luck = Random(f"{self.seed} {name} {at}")
        raced = [luck.random() ** (1 / likely) if likely > 1e-12 else -1.0 for likely in law.tolist()]
        return raced.index(max(raced))

    async def guess(self, device: Device, running: List[Sequence]) -> Mapping[object, List[Guess]]:
        many = self.best(device, running) if running else 0
        places = iter([(one.name, len(one.tokens) + k) for k in range(many) for one in running])
        return await device.draft(running, many, pick=lambda law: self.drawn(*next(places), law))

    def keep(self, one: Sequence, guesses: List[Guess], laws: List[Any]) -> list[int]:
        told = list[int]()
        for at, law in enumerate(laws):
            told.append(self.drawn(one.name, len(one.tokens) + at, law))
            if at < len(guesses) and guesses[at].token != told[-1]:
                break
        self.kept += len(told) - 1
        self.decided += min(len(told), len(guesses))
        return told
