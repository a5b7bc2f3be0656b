"""What a scheduler asks of a memory of keys and values, and how such a memory says what it is used for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from windtunnel.blocks.serving.sequence import Sequence


class KVUsage(NamedTuple):
    """What the slots of a memory are used for, in slots; one slot holds the keys and values of one token.

    The first four add up to `slots`. The words are those of figure 2 of the PagedAttention paper.
    """

    slots: int
    tokens: int
    """Hold the keys and values of a token that a running sequence reads."""
    reserved: int
    """Will hold one, of a sequence that has it for itself until then."""
    internal: int
    """Belong to a sequence, which will never use them."""
    external: int
    """Belong to nobody: free, or too small a piece to be of use."""

    @property
    def held(self) -> int:
        """Slots that belong to sequences."""
        return self.tokens + self.reserved + self.internal


class KVMemory(Protocol):
    """Where the keys and values of tokens lie.

    `allocate` begins, `grow` makes room before each step, `publish` says after it what may be shared, `free` ends.
    """

    def check(self, sequence: Sequence) -> None:
        """Raises ValueError for a sequence that the memory could not hold if it were alone."""

    def allocate(self, sequence: Sequence) -> bool:
        """Room for all tokens that it has; False, and nothing is changed, where there is none.

        Sets `computed` to how many of them are in the memory already, which is less than all.
        """

    def grow(self, sequence: Sequence, length: int) -> list[tuple[int, int]] | None:
        """Room to write from `computed` to `length`, in slots that no other sequence reads.

        Returns which slots have to be copied before, as (from, to), in this order; None, and nothing is changed, where
        there is no room.
        """

    def publish(self, sequence: Sequence) -> None:
        """Its first `computed` tokens have been written."""

    def free(self, sequence: Sequence) -> None:
        """Take back all that it has. Raises ValueError where it has nothing."""

    def slot(self, sequence: Sequence, position: int) -> int:
        """Where the keys and values of its token at this position lie."""

    def usage(self, sequences: Iterable[Sequence]) -> KVUsage:
        """What the memory is used for, if these are all that are in it."""


def ends_at(sequence: Sequence) -> int:
    """How many slots it will have used in the end, as far as is known: the last token is given, and never computed."""
    answer = sequence.max_tokens if sequence.foretold is None else sequence.foretold
    return max(sequence.prompt_length + answer - 1, len(sequence.tokens))
