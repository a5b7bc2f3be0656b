"""Two models whose laws are known: what the large one says of the next token, and what the small one makes of it.

The large one looks at the last two tokens, through what it keeps in its memory: whoever lets it read what was rejected
is told words by other laws. The small one says the same in easy places; in hard ones it is mostly wrong, so that on
average its guesses are kept as often as is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence as List
from functools import cache
from random import Random
from typing import TYPE_CHECKING

from windtunnel.blocks.serving import Batch, Sequence
from windtunnel.portable import exp

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Law = NDArray[np.float64]

VOCABULARY, CONTEXTS = 32, 16
"""Tokens, and laws of the next one: pairs of tokens have one each."""
SHARPNESS = 24.0
"""How far logits are apart; at temperature 1 the likeliest token has half of the probability, as text has."""
HARD = 0.3
"""How much the laws have in common in a hard place."""
PROMPT = 24
PAIRS = Random(1).choices(range(CONTEXTS), k=VOCABULARY * VOCABULARY)


def _frozen(law: Law) -> Law:
    law.flags.writeable = False
    return law


@cache
def laws(temperature: float) -> tuple[Law, ...]:
    """What the large model says, by the context."""
    import numpy as np

    made = list["Law"]()
    for context in range(CONTEXTS):
        luck = Random(f"law {context}")
        logits = np.array([SHARPNESS * luck.random() for _ in range(VOCABULARY)])
        law = exp((logits - logits.max()) / temperature) if temperature else (logits == logits.max()).astype(float)
        made.append(_frozen(law / law.sum()))
    return tuple(made)


@cache
def mistaken(temperature: float, common: float) -> tuple[Law, ...]:
    """What the small model says in hard places: the two laws have so much in common, the sum of the lesser of both.

    It takes each token for one that is likelier by some places: the third one for the first, say. So of many tokens it
    says two, five or twenty times too much, and whether such a guess is kept is a matter of luck.
    """
    import numpy as np

    made = list["Law"]()
    for law in laws(temperature):
        order = np.argsort(-law, kind="stable")
        taken = list["Law"]()
        for places in range(VOCABULARY):
            taken.append(np.empty(VOCABULARY))
            taken[-1][np.roll(order, -places)] = law[order]
            if np.minimum(law, taken[-1]).sum() <= common:
                break
        least, most = 0.0, 1.0
        for _ in range(50):
            weight = (least + most) / 2
            if np.minimum(law, (1 - weight) * taken[-2] + weight * taken[-1]).sum() > common:
                least = weight
            else:
                most = weight
        made.append(_frozen((1 - most) * taken[-2] + most * taken[-1]))
    return tuple(made)


def is_hard(before: int, token: int, position: int, alike: float) -> bool:
    """Whether the small model is mostly wrong about what follows this token at this position."""
    mixed = (before * 2_654_435_761 + token * 40_503 + position * 2_246_822_519) & 0xFFFFFFFF
    mixed = ((mixed ^ mixed >> 15) * 2_246_822_519) & 0xFFFFFFFF
    return (mixed ^ mixed >> 13) % 1_000_003 < 1_000_003 * (1 - alike) / (1 - min(HARD, alike)) if alike < 1 else False


def small_law(tokens: List[int], temperature: float, alike: float) -> Law:
    """What the small model says behind these tokens."""
    before, token = tokens[-2] if len(tokens) > 1 else 0, tokens[-1]
    context = PAIRS[before * VOCABULARY + token]
    if is_hard(before, token, len(tokens), alike):
        return mistaken(temperature, min(HARD, alike))[context]
    return laws(temperature)[context]


def prompt_of(number: int) -> list[int]:
    luck = Random(f"prompt {number}")
    return [luck.randrange(VOCABULARY) for _ in range(PROMPT)]


def contexts_of(tokens: List[int], begin: int) -> list[int]:
    """The contexts in which the tokens from there on were said, without any memory: the oracle."""
    return [PAIRS[tokens[at - 2] * VOCABULARY + tokens[at - 1]] for at in range(begin, len(tokens))]


class LargeModel:
    """Computes batches in a memory of `slots`: for each token it keeps the token and the one before, which it reads."""

    def __init__(self, slots: int, temperature: float) -> None:
        self.cells = [0] * slots
        self.temperature = temperature

    def compute(self, batch: Batch, slot: Callable[[Sequence, int], int]) -> Mapping[object, list[Law]]:
        """By the sequences' names: the laws behind the last token, and behind each guess."""
        cells, said = self.cells, dict[object, list["Law"]]()
        every = laws(self.temperature)
        for sequence, count in batch.work:
            first, tokens = sequence.computed, sequence.tokens
            before = cells[slot(sequence, first - 1)] % VOCABULARY if first else 0
            pairs = list[int]()
            for at in range(first, first + count):
                pairs.append(before * VOCABULARY + tokens[at])
                cells[slot(sequence, at)] = pairs[-1]
                before = tokens[at]
            if first + count == len(tokens):
                said[sequence.name] = [every[PAIRS[pair]] for pair in pairs[-1 - sequence.guessed :]]
        return said
