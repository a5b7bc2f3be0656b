"""Counted blocks: an ordered list cut into sorted blocks, with a running count over the blocks.

The idea. Inserting into a sorted array is a binary search and a move of memory, and a processor moves a kilobyte in the
time of one cache miss. So keep the entries in sorted blocks of a few hundred, split a block when it is full, merge it
with a neighbour when it is nearly empty, and remember in a **directory** the greatest entry of each block. To find an
entry: a binary search in the directory, another in the block.

For ranks, count: a Fenwick tree (Fenwick, "A new data structure for cumulative frequency tables", 1994) over the sizes
of the blocks says in log steps how many entries lie before a block, and which block holds the entry at a rank. When a
block is split or merged the tree is built anew, which is rare: once in half a block of insertions.

It is a B-tree of two levels. A skip list does the same work with about twenty cache misses in a million entries; this
takes three or four.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Generic

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import whole
from windtunnel.blocks.ordered.sorted_set_plain import MemberT

BLOCK_ENTRIES = 256


class PlainCountedBlocks(Block, Generic[MemberT]):
    """Entries `(score, member)` in order: by score, then by member. Pure Python; not safe to share between threads.

    The same interface as `skip_list.PlainSkipList`, and the same contract: `insert` expects an entry that is absent,
    `remove` one that is there.
    """

    def __init__(self, block_entries: int = BLOCK_ENTRIES) -> None:
        self._full = whole(block_entries, "The number of entries of a block", 4)
        self._blocks: list[list[tuple[float, MemberT]]] = []
        self._greatest: list[tuple[float, MemberT]] = []
        self._counts = [0]  # Fenwick: entry i counts the i & -i blocks that end with block i - 1
        self._size = 0

    def _told(self) -> dict[str, object]:
        return {"entries": len(self), "blocks": len(self._blocks)}

    def __len__(self) -> int:
        return self._size

    def insert(self, score: float, member: MemberT) -> None:
        """Add an entry that is not there yet."""
        entry = (score, member)
        if not self._blocks:
            self._blocks.append([entry])
            self._size += 1
            self._recount()
            return
        at = min(bisect_left(self._greatest, entry), len(self._blocks) - 1)
        block = self._blocks[at]
        insort(block, entry)
        self._size += 1
        if len(block) > self._full:
            self._blocks.insert(at + 1, block[len(block) // 2 :])
            del block[len(block) // 2 :]
            self._recount()
        else:
            self._greatest[at] = block[-1]
            self._count(at, +1)

    def remove(self, score: float, member: MemberT) -> None:
        """Take out an entry that is there; `KeyError` if it is not."""
        at, inside = self._find(score, member)
        if at == len(self._blocks) or self._blocks[at][inside] != (score, member):
            raise KeyError((score, member))
        block = self._blocks[at]
        del block[inside]
        self._size -= 1
        if len(block) < self._full // 4 and self._merge(at):
            self._recount()
        else:
            self._greatest[at] = block[-1]
            self._count(at, -1)

    def rank(self, score: float, member: MemberT) -> int:
        """How many entries sort before this one."""
        at, inside = self._find(score, member)
        return self._before(at) + inside

    def count_below(self, score: float, *, inclusive: bool) -> int:
        """How many entries have a score below `score`, or at most `score`."""

        def outside(entry: tuple[float, MemberT]) -> bool:
            return entry[0] > score if inclusive else entry[0] >= score

        at = bisect_left(self._greatest, True, key=outside)
        inside = bisect_left(self._blocks[at], True, key=outside) if at < len(self._blocks) else 0
        return self._before(at) + inside

    def slice(self, start: int, stop: int) -> list[tuple[float, MemberT]]:
        """The entries at ranks `start` to `stop - 1`; ranks outside the list are left out."""
        start, wanted = max(start, 0), min(stop, self._size) - max(start, 0)
        found: list[tuple[float, MemberT]] = []
        if wanted <= 0:
            return found
        at, inside = self._locate(start)
        while len(found) < wanted:
            found += self._blocks[at][inside : inside + wanted - len(found)]
            at, inside = at + 1, 0
        return found

    def _find(self, score: float, member: MemberT) -> tuple[int, int]:
        """The block and the place in it where the entry is, or would be."""
        entry = (score, member)
        at = bisect_left(self._greatest, entry)
        return at, bisect_left(self._blocks[at], entry) if at < len(self._blocks) else 0

    def _merge(self, at: int) -> bool:
        """Drop the block if it is empty, or join it with a neighbour if both fit in three quarters of a block."""
        if not self._blocks[at]:
            del self._blocks[at]
            return True
        for left in (at - 1, at):
            if left >= 0 and left + 1 < len(self._blocks):
                both = self._blocks[left] + self._blocks[left + 1]
                if len(both) <= self._full * 3 // 4:
                    self._blocks[left : left + 2] = [both]
                    return True
        return False

    def _recount(self) -> None:
        """Build the directory and the Fenwick tree anew, after a change in the number of blocks."""
        self._greatest = [block[-1] for block in self._blocks]
        counts = [0, *map(len, self._blocks)]
        for i in range(1, len(counts)):
            if (parent := i + (i & -i)) < len(counts):
                counts[parent] += counts[i]
        self._counts = counts

    def _count(self, at: int, change: int) -> None:
        i = at + 1
        while i < len(self._counts):
            self._counts[i] += change
            i += i & -i

    def _before(self, at: int) -> int:
        """How many entries lie in the blocks before block `at`."""
        total = 0
        while at > 0:
            total += self._counts[at]
            at &= at - 1
        return total

    def _locate(self, rank: int) -> tuple[int, int]:
        """The block that holds the entry at `rank`, and the entry's place in it."""
        at, step = 0, 1 << len(self._counts).bit_length()
        while step := step >> 1:
            if at + step < len(self._counts) and self._counts[at + step] <= rank:
                at += step
                rank -= self._counts[at]
        return at, rank
