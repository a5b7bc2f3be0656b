"""A language model without language, for a memory of keys and values that is really written and read.

Where a serving system mixes up whose keys and values lie where, its clients are told other words, or words of others.
This model has that, for a microsecond a token: what it keeps for a token depends on all tokens before, through what it
reads in the memory at the slots that the system names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence as Tokens

from windtunnel.blocks.serving import Batch, Sequence

MASK = (1 << 64) - 1
BEFORE, TOKEN, LOOKED = 6364136223846793005, 1442695040888963407, 3935559000370003845
"""Odd numbers of 63 bits, by which they are mixed."""
VOCABULARY = 50_272
"""How many tokens there are: as many as OPT has."""
STOP = VOCABULARY
"""The token that ends an answer, which the model itself never gives."""


class MadeModel:
    """Computes batches in a memory of `slots`, each of which keeps one number for one token.

    That number is a mixture of the token, of what stands at the token before, and of what stands at one of the earlier
    tokens, which the one before selects: a head that looks at one place. The next token is taken from the last one.

    Args:
        slots: how many tokens the memory keeps.
        vocabulary: how many tokens there are.
    """

    def __init__(self, slots: int, vocabulary: int = VOCABULARY) -> None:
        self.cells = [0] * slots
        self.vocabulary = vocabulary
        self.computed = 0
        """Tokens computed so far, again after preemptions."""

    def compute(self, batch: Batch, slot: Callable[[Sequence, int], int]) -> dict[object, int]:
        """Copy and write what the batch says, and give the next tokens by the sequences' names.

        `slot` says where a sequence keeps the token at a position. Raises IndexError for a slot that is not there.
        """
        cells, slots = self.cells, len(self.cells)
        for source, target in batch.copies:
            cells[target] = cells[source]
        given = dict[object, int]()
        for sequence, count in batch.work:
            first, tokens = sequence.computed, sequence.tokens
            state = cells[slot(sequence, first - 1)] if first else 0
            for position in range(first, first + count):
                looked = cells[slot(sequence, state % position)] if position else 0
                state = (state * BEFORE + tokens[position] * TOKEN + looked * LOOKED + 1) & MASK
                state ^= state >> 29  # as in `mixed`, without a call
                where = slot(sequence, position)
                if not 0 <= where < slots:
                    raise IndexError(f"The memory has slots 0 to {slots - 1}, and none of number {where}.")
                cells[where] = state
            if first + count == len(tokens):
                given[sequence.name] = state % self.vocabulary
            self.computed += count
        return given


def mixed(state: int, token: int, looked: int) -> int:
    """64 bits of three numbers."""
    together = (state * BEFORE + token * TOKEN + looked * LOOKED + 1) & MASK
    return together ^ together >> 29


def states(tokens: Tokens[int]) -> list[int]:
    """What the model keeps for these tokens, without any memory but a list: the oracle."""
    kept = list[int]()
    for position, token in enumerate(tokens):
        before = kept[-1] if kept else 0
        kept.append(mixed(before, token, kept[before % position] if position else 0))
    return kept


def made_prompt(number: int, length: int) -> list[int]:
    """The tokens of a prompt that no other number has."""
    return [(number * 7919 + i * 4657) % VOCABULARY for i in range(length)]


def made_answer(prompt: Tokens[int], length: int, vocabulary: int = VOCABULARY) -> list[int]:
    """The first tokens that the model gives to this prompt, computed one by one in a list: the oracle."""
    kept, given = states(prompt), list[int]()
    while len(given) < length:
        given.append(kept[-1] % vocabulary)
        kept.append(mixed(kept[-1], given[-1], kept[kept[-1] % len(kept)]))
    return given
