"""Stretches of a memory by the buddy system: powers of two, halved to make smaller ones and joined again when free.

Knowlton, A Fast Storage Allocator, CACM 8(10), 1965. The PagedAttention paper assumes it for Orca's caches.
"""

from __future__ import annotations

from heapq import heappop, heappush

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import whole


class Buddy(Block):
    """A memory of `size` slots, handed out in stretches of `least` slots times a power of two.

    A size that is no such stretch itself is cut into those that it is the sum of, the largest first; what is left over
    is lost.

    >>> memory = Buddy(48, least=16)
    >>> memory.take(20), memory.take(16), memory.take(1)
    (0, 32, None)
    """

    def __init__(self, size: int, least: int = 16) -> None:
        self.size = whole(size, "The size of a memory in slots", 1)
        self.least = whole(least, "The least stretch", 1)
        if self.least & (self.least - 1):
            raise ValueError(f"The least stretch is a power of two, not {self.least}.")
        self._free = dict[int, list[int]]()  # begins by length, the lowest first
        self._taken = dict[int, int]()  # lengths by begin
        begin, length = 0, 1 << self.size.bit_length()
        self.largest = 0
        """The longest stretch that there can be."""
        while length >= self.least:
            if begin + length <= self.size:
                self._free.setdefault(length, []).append(begin)
                self.largest = max(self.largest, length)
                begin += length
            length //= 2

    def stretch(self, length: int) -> int:
        """How long the stretch for so many slots is."""
        return max(self.least, 1 << (length - 1).bit_length())

    def take(self, length: int) -> int | None:
        """Where a stretch for so many slots begins; None where no free one is long enough."""
        wanted = self.stretch(whole(length, "A length in slots", 1))
        found = min((one for one, begins in self._free.items() if begins and one >= wanted), default=0)
        if not found:
            return None
        begin = heappop(self._free[found])
        while found > wanted:
            found //= 2
            heappush(self._free.setdefault(found, []), begin + found)
        self._taken[begin] = found
        return begin

    def give_back(self, begin: int) -> None:
        """End a stretch that begins here. Raises ValueError where none does."""
        length = self._taken.pop(begin, 0)
        if not length:
            raise ValueError(f"No stretch that is taken begins at {begin}: give back what `take` returned, and once.")
        while (buddy := begin ^ length) in (free := self._free.get(length, [])):
            free.remove(buddy)  # few are free, and joining keeps them few
            free.sort()
            begin, length = min(begin, buddy), 2 * length
        heappush(self._free.setdefault(length, []), begin)

    @property
    def free(self) -> int:
        """Slots in free stretches."""
        return sum(length * len(begins) for length, begins in self._free.items())

    def _told(self) -> dict[str, object]:
        return {"size": self.size, "free": self.free, "taken": len(self._taken)}
