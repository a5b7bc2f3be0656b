"""Between which totals a reader may see a sum to which others add at the same time."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate


class Bounds:
    """The least and the greatest total that a read may return.

    `additions` are (amount, start, end), with an infinite end where nobody knows whether it happened. An addition
    that ended before the read began counts; one that began before the read ended, or when it did, may count.
    """

    def __init__(self, first: float, additions: Iterable[tuple[float, float, float]]) -> None:
        given = list(additions)
        self._first = first
        self._ends, self._sure = _sums([(end, amount) for amount, _, end in given if end != math.inf])
        _, self._sure_down = _sums([(end, min(0, amount)) for amount, _, end in given if end != math.inf])
        _, self._sure_up = _sums([(end, max(0, amount)) for amount, _, end in given if end != math.inf])
        self._starts, self._down = _sums([(start, min(0, amount)) for amount, start, _ in given])
        _, self._up = _sums([(start, max(0, amount)) for amount, start, _ in given])

    def at(self, start: float, end: float) -> tuple[float, float]:
        """(least, greatest) for a read from `start` to `end`."""
        ended, begun = bisect_left(self._ends, start), bisect_right(self._starts, end)
        sure = self._first + self._sure[ended]
        return sure + self._down[begun] - self._sure_down[ended], sure + self._up[begun] - self._sure_up[ended]


def _sums(timed: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """The times in order, and the sum of what lies before each place."""
    order = sorted(timed, key=lambda t: t[0])
    return [t for t, _ in order], list(accumulate((amount for _, amount in order), initial=0))
