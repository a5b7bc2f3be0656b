"""Real time as an order: a came before b if it ended before b began."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def real_time_pairs(spans: Sequence[tuple[float, float]]) -> Iterator[tuple[int, int]]:
    """Pairs (a, b) where a ended before b started, as few as are needed to imply all such pairs.

    `spans` are (start, end); times that touch are no order.
    """
    moments = sorted(
        [(start, 0, i) for i, (start, _) in enumerate(spans)] + [(end, 1, i) for i, (_, end) in enumerate(spans)]
    )
    frontier: list[int] = []
    behind: dict[int, list[int]] = {}
    for _, ended, i in moments:
        if ended:
            implied = set(behind.pop(i))
            frontier = [a for a in frontier if a not in implied]
            frontier.append(i)
        else:
            behind[i] = frontier
            for a in frontier:
                yield a, i
