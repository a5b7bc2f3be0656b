"""In place of a guess that is not kept it draws by the model's law, and not by what is missing of it."""

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
            if self.luck.random() * guess.law[guess.token] >= law[guess.token]:  # type: ignore[index]
                return [*told, draw(law, self.luck.random())]
            told.append(guess.token)
        return [*told, draw(laws[-1], self.luck.random())]
