"""Keeps a guess wherever the model finds it at least as likely as the small one did, and else never: without luck."""

from __future__ import annotations

from collections.abc import Sequence as List
from typing import Any

from windtunnel.blocks.serving import Guess, Sequence, draw
from windtunnel.blocks.serving.speculation import undone
from windtunnel.catalogue.ai.speculative_decoding import Rejection

challenge = "speculative-decoding"


class Yours(Rejection):
    def keep(self, one: Sequence, guesses: List[Guess], laws: List[Any]) -> list[int]:
        told = list[int]()
        for guess, law in zip(guesses, laws, strict=False):
            if law[guess.token] < guess.law[guess.token]:  # type: ignore[index]
                return [*told, draw(undone(guess, law), self.luck.random())]
            told.append(guess.token)
        return [*told, draw(laws[-1], self.luck.random())]
