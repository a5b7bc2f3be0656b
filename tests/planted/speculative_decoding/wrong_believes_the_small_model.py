"""Keeps a guess of which the small model is sure, and asks the large one about the others."""

from __future__ import annotations

from collections.abc import Sequence as List
from typing import Any

from windtunnel.blocks.serving import Guess, Sequence, draw
from windtunnel.catalogue.ai.speculative_decoding import Adaptive

challenge = "speculative-decoding"


class Yours(Adaptive):
    def keep(self, one: Sequence, guesses: List[Guess], laws: List[Any]) -> list[int]:
        told = list[int]()
        for guess, law in zip(guesses, laws, strict=False):
            likely = float(guess.law[guess.token])  # type: ignore[index]
            if likely < 0.5 and self.luck.random() * likely >= law[guess.token]:
                break
            told.append(guess.token)
        return [*told, draw(laws[len(told)], self.luck.random())]
