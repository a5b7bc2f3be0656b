"""Keeps later guesses though one before them was not kept: the model was asked about another sentence."""

from __future__ import annotations

from collections.abc import Sequence as List
from typing import Any

from windtunnel.blocks.serving import Guess, Sequence, draw
from windtunnel.catalogue.ai.speculative_decoding import Adaptive

challenge = "speculative-decoding"


class Yours(Adaptive):
    def keep(self, one: Sequence, guesses: List[Guess], laws: List[Any]) -> list[int]:
        told, luck = list[int](), self.luck
        for guess, law in zip(guesses, laws, strict=False):
            keeps = luck.random() * guess.law[guess.token] < law[guess.token]  # type: ignore[index]
            told.append(guess.token if keeps else draw(law, luck.random()))
        return [*told, draw(laws[-1], luck.random())]
