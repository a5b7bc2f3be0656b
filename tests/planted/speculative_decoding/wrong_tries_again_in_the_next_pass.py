"""Tells what was kept, and leaves a word that was not to the next pass, which guesses it anew."""

from __future__ import annotations

from collections.abc import Sequence as List
from typing import Any

from windtunnel.blocks.serving import Guess, Sequence
from windtunnel.catalogue.ai.speculative_decoding import Rejection

challenge = "speculative-decoding"


class Yours(Rejection):
    def keep(self, one: Sequence, guesses: List[Guess], laws: List[Any]) -> list[int]:
        told = super().keep(one, guesses, laws)
        kept = len(told) - 1
        rejected = kept < len(guesses)
        return told[:kept] if rejected and kept else told
