"""Slots ranked by their counts, where raising one costs the same however many there are.

The slots stand in ascending order of count; equal counts form a run. A slot that is raised by one first changes places
with the last of its run, and then belongs to the next run or opens one: no other slot moves. This is the stream summary
of Metwally, Agrawal and El Abbadi ("Efficient Computation of Frequent and Top-k Elements in Data Streams", ICDT 2005),
laid out in arrays. A table beside it finds the slot of a hash.

`heavy_hitters` keeps its candidates here; `kernels/leaders.py` says the same for batches, over the same arrays.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

FREE = -1


class Leaders:
    """`size` slots, all free at first, which is a count of zero. For one thread."""

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"There is at least 1 slot, not {size}.")
        self.size = size
        self.hashes = array("Q", bytes(8 * size))
        """By slot: the hash of its key."""
        self.overcounts = array("q", bytes(8 * size))
        """By slot: how much of its count may belong to other keys."""
        self.slots = array("i", range(size))
        """By position, lowest count first: the slot that stands there."""
        self.positions = array("i", range(size))
        """By slot: where it stands."""
        self.runs = array("i", bytes(4 * size))
        """By position: the run that it belongs to."""
        self.counts = array("q", bytes(8 * (size + 1)))
        """By run: the count of its slots."""
        self.ends = array("i", [size - 1] + [0] * size)
        """By run: its last position."""
        self.spare = array("i", [size, *range(size, 0, -1), FREE])
        """First how many runs are not in use, then which, as a stack."""
        self.table = array("i", [FREE] * (1 << (4 * size - 1).bit_length()))
        """Open addressing by the lower bits of the hash: the slot, or `FREE`."""

    def find(self, h: int) -> int:
        """The slot of a hash, or `FREE`."""
        return self.table[self._entry(h)]

    def _entry(self, h: int) -> int:
        """Where the table holds this hash, or would."""
        mask = len(self.table) - 1
        at = h & mask
        while self.table[at] != FREE and self.hashes[self.table[at]] != h:
            at = (at + 1) & mask
        return at

    def count_of(self, slot: int) -> int:
        """The count of a slot."""
        return self.counts[self.runs[self.positions[slot]]]

    @property
    def lowest(self) -> int:
        """The least count of all slots: zero while one is free."""
        return self.counts[self.runs[0]]

    def take_lowest(self, h: int) -> int:
        """Give the first slot of the lowest run to another hash; its count stays, and is what may be too much."""
        slot = self.slots[0]
        if self.lowest:
            self._forget(self.hashes[slot])
        self.overcounts[slot] = self.lowest
        self.hashes[slot] = h
        self.table[self._entry(h)] = slot
        return slot

    def _forget(self, h: int) -> None:
        """Take a hash out of the table, and close the gap, so that no search stops short."""
        mask = len(self.table) - 1
        gap = self._entry(h)
        at = gap
        while self.table[at := (at + 1) & mask] != FREE:
            home = self.hashes[self.table[at]] & mask
            if (at - home) & mask >= (at - gap) & mask:
                self.table[gap] = self.table[at]
                gap = at
        self.table[gap] = FREE

    def raise_by(self, slot: int, count: int) -> None:
        """Raise the count of a slot by 1 or more, and move it up past all that are lower then."""
        position = self.positions[slot]
        run = self.runs[position]
        target = self.counts[run] + count
        while run != FREE and self.counts[run] < target:
            end = self.ends[run]
            self._place(self.slots[end], position, run)
            self.ends[run] = end - 1
            if end == 0 or self.runs[end - 1] != run:  # the run has lost its only slot
                self._release(run)
            position = end
            run = self.runs[position + 1] if position + 1 < self.size else FREE
        if run == FREE or self.counts[run] != target:
            run = self._take_run()
            self.counts[run] = target
            self.ends[run] = position
        self._place(slot, position, run)

    def _place(self, slot: int, position: int, run: int) -> None:
        self.slots[position] = slot
        self.positions[slot] = position
        self.runs[position] = run

    def _release(self, run: int) -> None:
        self.spare[0] += 1
        self.spare[self.spare[0]] = run

    def _take_run(self) -> int:
        run = int(self.spare[self.spare[0]])
        self.spare[0] -= 1
        return run

    def ascending(self) -> Iterator[int]:
        """The slots that are in use, lowest count first."""
        return (slot for position, slot in enumerate(self.slots) if self.counts[self.runs[position]])

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The same memory as the kernels take it."""
        import numpy as np

        def view(numbers: array[int], kind: type[np.generic]) -> NDArray[Any]:
            return np.frombuffer(numbers, kind)

        return (
            view(self.hashes, np.uint64),
            view(self.overcounts, np.int64),
            view(self.slots, np.int32),
            view(self.positions, np.int32),
            view(self.runs, np.int32),
            view(self.counts, np.int64),
            view(self.ends, np.int32),
            view(self.spare, np.int32),
            view(self.table, np.int32),
        )
