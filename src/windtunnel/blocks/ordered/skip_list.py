"""A skip list with spans: the order inside a Redis sorted set, as a text to read.

The idea (Pugh, "Skip lists: a probabilistic alternative to balanced trees", CACM 1990). A sorted linked list is slow to
search because one has to walk it. Give a quarter of the nodes a second, longer link, a quarter of those a third, and so
on: a search starts on the longest links and drops a level whenever the next node would be too far. With links chosen by
coin the walk takes about log N steps, and nothing ever has to be rebalanced.

Redis adds one number to every link, its **span**: how many nodes it jumps over. The rank of an entry is the sum of the
spans on the way to it, and the entry at a rank is found by walking until the spans add up. That is why `ZRANK` costs
log N where `SELECT COUNT(*) ... WHERE score > ?` counts.

Constants as in Redis' `server.h`: a node climbs another level with probability 1/4, and at most 32 levels. (Redis
also keeps a link back from each node on the lowest level, to walk ranges downwards; here a range is taken upwards and
turned.)

What wins on a modern processor is not this but `counted_blocks`: a step along a link is a cache miss, and a million
entries cost about twenty of them.
"""

from __future__ import annotations

from random import Random
from typing import Any, Generic

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import MOST, whole
from windtunnel.blocks.ordered.sorted_set_plain import MemberT

CLIMB_PROBABILITY = 0.25
MAX_LEVELS = 32


class _Node(Generic[MemberT]):
    __slots__ = ("link", "member", "score", "span")

    def __init__(self, score: float, member: MemberT | None, levels: int) -> None:
        self.score = score
        self.member = member
        self.link: list[_Node[MemberT] | None] = [None] * levels
        self.span = [0] * levels


class PlainSkipList(Block, Generic[MemberT]):
    """Entries `(score, member)` in order: by score, then by member. Pure Python; not safe to share between threads.

    It holds an order only. Whether a member is present, and with which score, is the dictionary's business
    (`sorted_set.PlainSortedSet`); so `insert` expects an entry that is absent and `remove` one that is there.
    """

    def __init__(self, seed: int = 0) -> None:
        self._luck = Random(whole(seed, "The seed", -MOST))
        self._head: _Node[MemberT] = _Node(0.0, None, MAX_LEVELS)
        self._levels = 1
        self._size = 0
        self.steps = 0
        """Entries that it has looked at to find others."""

    def _told(self) -> dict[str, object]:
        return {"entries": len(self), "levels": self._levels}

    def __getstate__(self) -> dict[str, Any]:
        # As a list: the links would take a step of recursion an entry.
        entries, node = list[tuple[float, Any, int]](), self._head.link[0]
        while node is not None:
            entries.append((node.score, node.member, len(node.link)))
            node = node.link[0]
        return {"luck": self._luck, "entries": entries}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._luck = state["luck"]
        self._head = _Node(0.0, None, MAX_LEVELS)
        self.steps = 0
        self._levels = max([1, *(levels for _, _, levels in state["entries"])])
        self._size = len(state["entries"])
        ends = [(self._head, 0)] * MAX_LEVELS  # by level the last node so far, and its rank
        for rank, (score, member, levels) in enumerate(state["entries"], 1):
            node = _Node(score, member, levels)
            for level in range(levels):
                before, where = ends[level]
                before.link[level], before.span[level] = node, rank - where
                ends[level] = node, rank
        for level in range(self._levels):  # the last link jumps over all that is left
            before, where = ends[level]
            before.span[level] = self._size - where

    def __len__(self) -> int:
        return self._size

    def insert(self, score: float, member: MemberT) -> None:
        """Add an entry that is not there yet."""
        path, ranks = self._descend(score, member)
        levels = 1
        while levels < MAX_LEVELS and self._luck.random() < CLIMB_PROBABILITY:
            levels += 1
        while self._levels < levels:  # the head takes part in a new level: its link there jumps over everything
            path.append(self._head)
            ranks.append(0)
            self._head.span[self._levels] = self._size
            self._levels += 1
        node = _Node(score, member, levels)
        for level in range(levels):
            before = path[level]
            node.link[level] = before.link[level]
            before.link[level] = node
            walked = ranks[0] - ranks[level]
            node.span[level] = before.span[level] - walked
            before.span[level] = walked + 1
        for level in range(levels, self._levels):
            path[level].span[level] += 1
        self._size += 1

    def remove(self, score: float, member: MemberT) -> None:
        """Take out an entry that is there; `KeyError` if it is not."""
        path, _ = self._descend(score, member)
        node = path[0].link[0]
        if node is None or node.score != score or node.member != member:
            raise KeyError((score, member))
        for level in range(self._levels):
            before = path[level]
            if before.link[level] is node:
                before.span[level] += node.span[level] - 1
                before.link[level] = node.link[level]
            else:
                before.span[level] -= 1
        while self._levels > 1 and self._head.link[self._levels - 1] is None:
            self._levels -= 1
        self._size -= 1

    def rank(self, score: float, member: MemberT) -> int:
        """How many entries sort before this one."""
        return self._descend(score, member)[1][0]

    def count_below(self, score: float, *, inclusive: bool) -> int:
        """How many entries have a score below `score`, or at most `score`."""
        node, walked, links = self._head, 0, 0
        for level in reversed(range(self._levels)):
            while (after := node.link[level]) is not None and (
                after.score < score or (inclusive and after.score == score)
            ):
                walked += node.span[level]
                links += 1
                node = after
        self.steps += links + self._levels
        return walked

    def slice(self, start: int, stop: int) -> list[tuple[float, MemberT]]:
        """The entries at ranks `start` to `stop - 1`; ranks outside the list are left out."""
        start, stop = max(start, 0), min(stop, self._size)
        found: list[tuple[float, MemberT]] = []
        if start >= stop:
            return found
        node, walked, links = self._head, 0, 0
        for level in reversed(range(self._levels)):
            while (after := node.link[level]) is not None and walked + node.span[level] <= start + 1:
                walked += node.span[level]
                links += 1
                node = after
        self.steps += links + self._levels + stop - start
        at: _Node[MemberT] | None = node
        while at is not None and len(found) < stop - start:
            assert at.member is not None  # only the head has none, and the walk above left it
            found.append((at.score, at.member))
            at = at.link[0]
        return found

    def levels(self) -> list[int]:
        """How many nodes reach each level, from the lowest: a quarter of the one below, if the coin is fair."""
        counts = [0] * self._levels
        node = self._head.link[0]
        while node is not None:
            for level in range(len(node.link)):
                counts[level] += 1
            node = node.link[0]
        return counts

    def _descend(self, score: float, member: MemberT) -> tuple[list[_Node[MemberT]], list[int]]:
        """For each level the last node before the entry, and that node's rank (the head has rank 0)."""
        path = [self._head] * self._levels
        ranks = [0] * self._levels
        node, walked, links = self._head, 0, 0
        for level in reversed(range(self._levels)):
            while (after := node.link[level]) is not None and _before(after, score, member):
                walked += node.span[level]
                links += 1
                node = after
            path[level], ranks[level] = node, walked
        self.steps += links + self._levels  # on each level it looks at one more, or there is none
        return path, ranks


def _before(node: _Node[MemberT], score: float, member: MemberT) -> bool:
    if node.score != score:
        return node.score < score
    assert node.member is not None  # the head is never asked
    return node.member < member
