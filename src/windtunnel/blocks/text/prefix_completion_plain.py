"""Completion as one types: of all terms that begin so, the `k` with the greatest weights.

A trie alone finds *all* terms that begin with "a"; to sort them for ten is work that grows with their number. The idea
that makes it fast (Hsu and Ottaviano, *Space-efficient data structures for top-k completion*, WWW 2013): each part of
the structure also knows the **greatest weight inside it**. Then the search goes to the best first, and what it never
opens is not among the `k`.

`PlainPrefixCompletion` is plain Python and the text to read: a trie. `prefix_completion.PrefixCompletion` says the same
in compiled kernels.

Terms are compared as they are: to find "Zürich" by "zu", add it under its folded form (see `tokenizer.Tokenizer`).
Of equal weights the term that sorts first (by code points) comes first. A table with the answers to all prefixes is
faster still to ask, and takes `k` terms for every prefix there is; one changed weight changes many of its entries.
"""

from __future__ import annotations

import math
from heapq import heappop, heappush
from typing import Any, TypeAlias

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import number, whole

Completion: TypeAlias = tuple[str, float]
"""A term and its weight."""

ABSENT = -math.inf
"""The weight of what is not there: below that of all terms."""


class _Node:
    """A place in the trie: what has been typed so far."""

    __slots__ = ("best", "children", "weight")

    def __init__(self) -> None:
        self.weight = ABSENT
        """Of the term that ends here."""
        self.best = ABSENT
        """The greatest weight of the terms that begin so."""
        self.children: dict[str, _Node] = {}


class PlainPrefixCompletion(Block):
    """Completion in plain Python. Not safe to share between threads; no method awaits.

    >>> cities = PlainPrefixCompletion()
    >>> for name, people in ("bern", 134), ("berlin", 3645), ("bergen", 289), ("oslo", 709):
    ...     _ = cities.add(name, people)
    >>> cities.complete("ber", 2)
    [('berlin', 3645.0), ('bergen', 289.0)]
    """

    def __init__(self) -> None:
        self._root = _Node()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __contains__(self, term: object) -> bool:
        return isinstance(term, str) and self.weight(term) is not None

    def _told(self) -> dict[str, object]:
        return {"terms": len(self)}

    def __getstate__(self) -> dict[str, Any]:
        # As a list: the trie would take a step of recursion a letter.
        terms, todo = list[tuple[str, float]](), [("", self._root)]
        while todo:
            text, node = todo.pop()
            if node.weight != ABSENT:
                terms.append((text, node.weight))
            todo += [(text + character, child) for character, child in node.children.items()]
        return {"terms": terms}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._root, self._size = _Node(), 0
        for term, weight in state["terms"]:
            self.add(term, weight)

    def weight(self, term: str) -> float | None:
        """The weight of a term, or None if it is not there."""
        path = self._path(term)
        return None if path is None or path[-1].weight == ABSENT else path[-1].weight

    def add(self, term: str, weight: float) -> bool:
        """Set the term's weight, a finite number (`ValueError`); True if the term is new."""
        weight = checked_weight(weight)
        if not isinstance(term, str):
            raise ValueError(f"A term is a str, not {term!r:.60}.")
        path = [self._root]
        for character in term:
            path.append(path[-1].children.setdefault(character, _Node()))
        new = path[-1].weight == ABSENT
        path[-1].weight = float(weight)
        self._size += new
        self._settle(path)
        return new

    def remove(self, term: str) -> bool:
        """Take the term out; True if it was there."""
        path = self._path(term)
        if path is None or path[-1].weight == ABSENT:
            return False
        path[-1].weight = ABSENT
        self._size -= 1
        self._settle(path)
        for above, character in zip(reversed(path[:-1]), reversed(term), strict=True):
            if above.children[character].best == ABSENT:
                del above.children[character]
        return True

    def complete(self, prefix: str, k: int = 10) -> list[Completion]:
        """The `k` terms of greatest weight that begin with the prefix, greatest first.

        Opens the place of the greatest weight, again and again. What comes out of the queue as a term outweighs all
        that is still in the queue, opened or not.
        """
        k = checked_k(k)
        path = self._path(prefix)
        if path is None:
            return []
        found: list[Completion] = []
        queue: list[tuple[float, str, _Node | None]] = [(-path[-1].best, prefix, path[-1])]
        while queue and len(found) < k:
            lightness, text, node = heappop(queue)
            if node is None:
                found.append((text, -lightness))
                continue
            if node.weight != ABSENT:
                heappush(queue, (-node.weight, text, None))
            for character, child in node.children.items():
                heappush(queue, (-child.best, text + character, child))
        return found

    def _path(self, text: str) -> list[_Node] | None:
        """The places from the root to where the text ends, or None if no term begins so."""
        path = [self._root]
        for character in text:
            node = path[-1].children.get(character)
            if node is None:
                return None
            path.append(node)
        return path

    @staticmethod
    def _settle(path: list[_Node]) -> None:
        """Say anew what is best on the way up from a changed weight."""
        for node in reversed(path):
            node.best = max([node.weight, *(child.best for child in node.children.values())])


def checked_weight(weight: float) -> float:
    return number(weight, "A weight")


def checked_k(k: int) -> int:
    return whole(k, "k", 1, 10**30)
