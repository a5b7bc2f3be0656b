"""Asks how many guesses together are kept, not each by itself (block verification, Sun and others, 2024)."""

from __future__ import annotations

from collections.abc import Sequence as List
from typing import Any

import numpy as np

from windtunnel.blocks.serving import Guess, Sequence, draw
from windtunnel.catalogue.ai.speculative_decoding import Adaptive

challenge = "speculative-decoding"


class Yours(Adaptive):
    def keep(self, one: Sequence, guesses: List[Guess], laws: List[Any]) -> list[int]:
        shares, kept = [1.0], 0
        for at, guess in enumerate(guesses):
            share = min(1.0, shares[-1] * laws[at][guess.token] / guess.law[guess.token])  # type: ignore[index]
            shares.append(share)
            chance = share
            if at + 1 < len(guesses):
                left = float(np.maximum(share * laws[at + 1] - guesses[at + 1].law, 0).sum())  # type: ignore[operator]
                chance = left / (left + 1 - share) if left + 1 - share > 0 else 1.0
            if self.luck.random() < chance:
                kept = at + 1
        law = laws[kept]
        if kept < len(guesses):
            undone = np.maximum(shares[kept] * law - guesses[kept].law, 0)  # type: ignore[operator]
            law = undone if undone.any() else law
        self.kept += kept
        self.decided += min(kept + 1, len(guesses))
        return [*(guess.token for guess in guesses[:kept]), draw(law, self.luck.random())]
