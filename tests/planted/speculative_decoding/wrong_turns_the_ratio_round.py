"""Keeps a guess with probability q/p in place of p/q."""

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
            if self.luck.random() * law[guess.token] >= guess.law[guess.token]:  # type: ignore[index]
                break
            told.append(guess.token)
        return [*told, draw(laws[len(told)], self.luck.random())]
