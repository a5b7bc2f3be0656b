"""How good a ranking is, by what is known to be relevant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log2
from typing import TypeVar

from windtunnel.blocks.ground.numbers import whole

KeyT = TypeVar("KeyT")


def ndcg(ranking: Sequence[KeyT], gains: Mapping[KeyT, float], k: int = 10) -> float:
    """Normalised discounted cumulative gain of the first `k`: the sum of gain / log2(1 + rank), over the greatest that
    is possible (Järvelin and Kekäläinen, TOIS 2002, with trec_eval's discount). 0 where nothing is relevant.

    What is not in `gains` is worth nothing.
    """
    k = whole(k, "k", 1)
    best = sorted((gain for gain in gains.values() if gain > 0), reverse=True)[:k]
    most = sum(gain / log2(1 + rank) for rank, gain in enumerate(best, 1))
    found = sum(gains.get(key, 0.0) / log2(1 + rank) for rank, key in enumerate(ranking[:k], 1))
    return found / most if most else 0.0


def recall(ranking: Sequence[KeyT], gains: Mapping[KeyT, float], k: int = 10) -> float:
    """The share of what is relevant (gain above 0) that stands among the first `k`; 0 where nothing is."""
    k = whole(k, "k", 1)
    wanted = {key for key, gain in gains.items() if gain > 0}
    return len(wanted & set(ranking[:k])) / len(wanted) if wanted else 0.0
