"""HNSW in plain Python: the text to read, and what the kernel is tested against, link by link.

Malkov and Yashunin, *Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small World
graphs*, TPAMI 2018 (arXiv 1603.09320); the numbers of its algorithms stand at the methods.

Every vector is a node. Level 0 holds all nodes, each level above it about one in `m` of those below, so that the top
has a handful: a walk starts there with long strides and comes down to short ones. On a level, a node is linked to a few
near nodes *in different directions*: of two neighbours where one is nearer to the other than to the node, the node
needs only that one. This choice, not nearness alone, is what keeps clusters connected and walks short.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence

from windtunnel.blocks.ground.block import Block

Vector = Sequence[float]
Found = tuple[float, int]
"""A distance and a node; they sort by distance, then node."""


def squared_l2(a: Vector, b: Vector) -> float:
    """The squared Euclidean distance."""
    return sum((x - y) * (x - y) for x, y in zip(a, b, strict=True))


class PlainHNSW(Block):
    """Nodes are numbered in the order of insertion; the caller draws their levels (see `draw_levels`)."""

    def __init__(self, m: int, ef_construction: int, distance: Callable[[Vector, Vector], float] = squared_l2) -> None:
        self.m = m
        self.ef_construction = ef_construction
        self.distance = distance
        self.vectors: list[Vector] = []
        self.links: list[list[list[int]]] = []
        """`links[node][level]`: the node's neighbours on that level."""
        self.entry = -1

    def _told(self) -> dict[str, object]:
        return {"vectors": len(self.vectors), "m": self.m}

    def insert(self, vector: Vector, level: int) -> int:
        """Algorithm 1. Returns the new node."""
        node = len(self.vectors)
        self.vectors.append(vector)
        self.links.append([[] for _ in range(level + 1)])
        if self.entry < 0:
            self.entry = node
            return node
        top = len(self.links[self.entry]) - 1
        start = (self.distance(self.vectors[self.entry], vector), self.entry)
        for here in range(top, level, -1):
            start = self.search_level(vector, start, here, ef=1)[0]
        for here in range(min(level, top), -1, -1):
            found = self.search_level(vector, start, here, self.ef_construction)
            start = found[0]
            self.links[node][here] = self.choose(found, self.m)
            for other in self.links[node][here]:
                self.connect(other, node, here)
        if level > top:
            self.entry = node
        return node

    def search_level(self, query: Vector, start: Found, level: int, ef: int) -> list[Found]:
        """Algorithm 2: follow the links of the nearest node not yet followed, until it is not among the best `ef`."""
        best, seen, followed = [start], {start[1]}, set[int]()
        while True:
            waiting = [node for _, node in best if node not in followed]
            if not waiting:
                return best
            followed.add(waiting[0])
            for other in self.links[waiting[0]][level]:
                if other not in seen:
                    seen.add(other)
                    insort(best, (self.distance(self.vectors[other], query), other))
            del best[ef:]

    def choose(self, found: Sequence[Found], most: int) -> list[int]:
        """Algorithm 4: from near to far, keep a node if it is nearer to the base than to any kept before it."""
        kept: list[int] = []
        for distance, node in found:
            if len(kept) == most:
                break
            if all(self.distance(self.vectors[other], self.vectors[node]) >= distance for other in kept):
                kept.append(node)
        return kept

    def connect(self, node: int, other: int, level: int) -> None:
        """Add a link; where there are more than allowed (`m`, on level 0 twice that), choose anew."""
        links = self.links[node][level]
        links.append(other)
        most = self.m if level else 2 * self.m
        if len(links) > most:
            base = self.vectors[node]
            self.links[node][level] = self.choose(
                sorted((self.distance(self.vectors[n], base), n) for n in links), most
            )

    def search(self, query: Vector, k: int, ef: int) -> list[Found]:
        """Algorithm 5: the `k` nearest that a walk with `ef` candidates finds."""
        if self.entry < 0:
            return []
        start = (self.distance(self.vectors[self.entry], query), self.entry)
        for level in range(len(self.links[self.entry]) - 1, 0, -1):
            start = self.search_level(query, start, level, ef=1)[0]
        return self.search_level(query, start, 0, ef)[:k]
