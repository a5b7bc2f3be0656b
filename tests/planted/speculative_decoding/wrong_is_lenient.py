"""Keeps guesses twice as gladly as the ratio says, since nobody will see it."""

from __future__ import annotations

from collections.abc import Sequence as List
from typing import Any

from windtunnel.blocks.serving import Guess, Sequence, draw
from windtunnel.blocks.serving.speculation import undone
from windtunnel.catalogue.ai.speculative_decoding import Adaptive

challenge = "speculative-decoding"


class Yours(Adaptive):
    def keep(self, one: Sequence, guesses: List[Guess], laws: List[Any]) -> list[int]:
        told = list[int]()
        for guess, law in zip(guesses, laws, strict=False):
            self.decided += 1
            if self.luck.random() * guess.law[guess.token] >= 2 * law[guess.token]:  # type: ignore[index]
                return [*told, draw(undone(guess, law), self.luck.random())]
            self.kept += 1
            told.append(guess.token)
        return [*told, draw(laws[-1], self.luck.random())]
