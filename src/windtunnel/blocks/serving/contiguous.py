"""One stretch a sequence, reserved when it begins: how Orca and FasterTransformer keep keys and values.

Nobody knows how long an answer becomes, so room is reserved for the longest, or for a guess. Kwon and others, SOSP
2023, section 6.1, compare three: Max reserves the longest sequence that the model takes, Pow2 at most twice the true
length of the answer, Oracle exactly that. The last two have to be told it, which no server is. `reserve_doubling` need
not be told: who outgrows a stretch is copied to one twice as long, as a list in memory is.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Literal, get_args

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import whole
from windtunnel.blocks.serving.buddy import Buddy
from windtunnel.blocks.serving.memory import KVUsage, ends_at
from windtunnel.blocks.serving.sequence import Sequence

Reserve = Callable[[Sequence], int]
Placement = Literal["buddy", "first fit", "pushed together"]


def reserve_longest(sequence: Sequence) -> int:
    """Slots for the longest that it may become ("Orca (Max)")."""
    return sequence.longest


def reserve_power_of_two(sequence: Sequence) -> int:
    """Slots for the prompt and for the power of two above the answer ("Orca (Pow2)"), but no more than it may need."""
    answer = _answer(sequence)
    return min(sequence.longest, sequence.prompt_length + (1 << (answer - 1).bit_length()))


def reserve_foretold(sequence: Sequence) -> int:
    """Slots for the prompt and the answer, to the token ("Orca (Oracle)")."""
    return sequence.prompt_length + _answer(sequence)


def reserve_doubling(sequence: Sequence) -> int:
    """Slots up to the power of two above what it has now, and no more than it may need."""
    return min(sequence.longest, 1 << len(sequence.tokens).bit_length())


def _answer(sequence: Sequence) -> int:
    if sequence.foretold is None:
        raise ValueError(f"Nobody foretold how long the answer to {sequence.name!r} is: reserve `reserve_longest`.")
    return sequence.foretold


class ContiguousMemory(Block):
    """A memory of `slots`, in which each sequence has one stretch.

    Args:
        slots: how many tokens it holds.
        reserve: how many slots a sequence is given when it begins, and when it has outgrown what it has:
            `reserve_longest`, `reserve_power_of_two`, `reserve_foretold`, `reserve_doubling`, or one of your own.
        placement: "buddy" hands out powers of two; "first fit" exactly what is asked for, where it first fits; "pushed
            together" does that too, and where no hole is large enough makes one of all, by copying.
        least: the least stretch of the buddy system.

    >>> memory = ContiguousMemory(4096, reserve_longest)
    >>> one = Sequence("one", [1, 2, 3], max_tokens=2045)
    >>> memory.allocate(one), memory.slot(one, 2), memory.usage([one]).reserved
    (True, 2, 2047)
    """

    def __init__(
        self,
        slots: int,
        reserve: Reserve = reserve_longest,
        *,
        placement: Placement = "buddy",
        least: int = 16,
    ) -> None:
        self.slots = whole(slots, "The number of slots", 1)
        if placement not in get_args(Placement):
            raise ValueError(f"There is no placement {placement!r}; there are {', '.join(get_args(Placement))}.")
        self.reserve = reserve
        self.placement: Placement = placement
        self._buddy = Buddy(self.slots, least) if placement == "buddy" else None
        self._held = list[tuple[int, int, Sequence]]()  # in order: begin, length, and whose it is
        self._copies = list[tuple[int, int]]()  # that are still to be told

    def check(self, sequence: Sequence) -> None:
        """Raises ValueError for a sequence that the memory could not hold if it were alone."""
        length = max(self.reserve(sequence), sequence.longest - 1)
        most = self._buddy.largest if self._buddy else self.slots
        if length > most or (self._buddy and self._buddy.stretch(length) > most):
            raise ValueError(
                f"{sequence.name!r} may need {length} slots, and the longest stretch has {most}:"
                " let its answer be shorter, or the memory larger."
            )

    def allocate(self, sequence: Sequence) -> bool:
        """One stretch, as long as `reserve` says; False where none is free. Raises ValueError if it has one."""
        if sequence.blocks:
            raise ValueError(f"{sequence.name!r} has a stretch already: free it first.")
        begin = self._take(sequence, max(self.reserve(sequence), len(sequence.tokens)))
        if begin is None:
            return False
        sequence.blocks = [begin]
        sequence.computed = 0
        return True

    def grow(self, sequence: Sequence, length: int) -> list[tuple[int, int]] | None:
        """Nothing to copy where its stretch is long enough; all that it has where it moves to a longer one; or None."""
        if length > self._length(sequence):
            new = self._take(sequence, max(self.reserve(sequence), length))
            if new is None:
                return None
            (old,) = sequence.blocks
            self._copies += [(old + k, new + k) for k in range(sequence.computed)]
            self._give_back(old)
            sequence.blocks = [new]
        copies, self._copies = self._copies, []
        return copies

    def publish(self, sequence: Sequence) -> None:
        """Nobody reads the stretch of another."""

    def free(self, sequence: Sequence) -> None:
        """Give the stretch back. Raises ValueError if it has none."""
        if not sequence.blocks:
            raise ValueError(f"{sequence.name!r} has no stretch: it was freed, or never had one.")
        self._give_back(sequence.blocks.pop())
        sequence.computed = 0

    def slot(self, sequence: Sequence, position: int) -> int:
        """Where the keys and values of its token at this position lie, from 0."""
        return sequence.blocks[0] + position

    def usage(self, sequences: Iterable[Sequence]) -> KVUsage:
        """What the memory is used for, if these are all that are in it; what the buddy system rounds up is external."""
        tokens = reserved = held = 0
        for sequence in sequences:
            if sequence.blocks:
                asked = self._length(sequence)
                tokens += sequence.computed
                reserved += max(0, min(asked, ends_at(sequence)) - sequence.computed)
                held += asked
        return KVUsage(self.slots, tokens, reserved, held - tokens - reserved, self.slots - held)

    def _length(self, sequence: Sequence) -> int:
        return next(length for begin, length, _ in self._held if begin == sequence.blocks[0])

    def _take(self, sequence: Sequence, length: int) -> int | None:
        begin = self._buddy.take(length) if self._buddy else self._first_fit(length)
        room = self.slots - sum(one[1] for one in self._held)
        if begin is None and self.placement == "pushed together" and length <= room:
            begin = self._push_together()
        if begin is not None:
            insort(self._held, (begin, length, sequence), key=itemgetter(0))
        return begin

    def _give_back(self, begin: int) -> None:
        self._held = [one for one in self._held if one[0] != begin]
        if self._buddy:
            self._buddy.give_back(begin)

    def _first_fit(self, length: int) -> int | None:
        begin = 0
        for taken, many, _ in self._held:
            if taken - begin >= length:
                return begin
            begin = taken + many
        return begin if self.slots - begin >= length else None

    def _push_together(self) -> int:
        """Move all stretches to the front, in their order; where the hole behind them begins."""
        end, held = 0, self._held
        self._held = []
        for begin, length, sequence in held:
            if begin != end:
                self._copies += [(begin + k, end + k) for k in range(sequence.computed)]
                sequence.blocks = [end]
            self._held.append((end, length, sequence))
            end += length
        return end

    def _told(self) -> dict[str, object]:
        return {"slots": self.slots, "placement": self.placement, "sequences": len(self._held)}
