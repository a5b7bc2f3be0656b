"""One ranking of several, by ranks alone: scores of different searches have no common unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from windtunnel.blocks.ground.numbers import number

AS_PUBLISHED = 60.0
"""The constant of Cormack, Clarke and Büttcher, *Reciprocal Rank Fusion* (SIGIR 2009)."""


def reciprocal_rank_fusion(rankings: Iterable[Sequence[int]], k: float = AS_PUBLISHED) -> list[tuple[int, float]]:
    """All that is in one of the rankings with its score, the sum of 1 / (k + rank), best first.

    Ranks begin at 1. Of equal scores the lower key is first. The greater `k`, the less a first place is worth beside
    being in two rankings: what two of them have among their first k + 1 is before whatever one alone has first.

    Args:
        rankings: keys, best first; a ranking in which a key stands twice raises `ValueError`.
        k: 0 or more.
    """
    k = number(k, "The constant of a fusion", 0.0)
    scores: dict[int, float] = {}
    for ranking in rankings:
        if len(set(ranking)) < len(ranking):
            raise ValueError("A ranking has each key once; in one of these a key stands twice.")
        for rank, key in enumerate(ranking, 1):
            scores[key] = scores.get(key, 0.0) + 1 / (k + rank)
    return sorted(scores.items(), key=lambda hit: (-hit[1], hit[0]))
