"""Values of parameters that are worth a look: their ends, what stands beside those, ends together, and at random."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from random import Random
from typing import Any

from windtunnel.lab.errors import WrongInput
from windtunnel.lab.params import Param

WHOLE_RANGE = 16
"""An integer parameter of so many values has each of them tried."""
MOST_ROWS = 16


def ends(one: Param) -> list[Any]:
    """Both ends of a parameter, exactly; all values where they are listed."""
    if one.choices:
        return list(one.choices)
    if isinstance(one.default, bool):
        return [False, True]
    if isinstance(one.default, str):
        return []
    found = []
    for end, inwards in ((one.low, math.ceil), (one.high, math.floor)):
        if end is not None and math.isfinite(end):
            found.append(one.take(inwards(end) if isinstance(one.default, int) else float(end)))
    return list(dict.fromkeys(found))


def beside(one: Param, taken: Sequence[Any]) -> list[Any]:
    """What stands beside the ends: whole numbers, where the range has room for them, or all of a short range."""
    if one.choices or isinstance(one.default, bool | str) or not taken:
        return []
    low, high = min(taken), max(taken)
    if isinstance(one.default, int) and high - low < WHOLE_RANGE:
        found = list(range(low + 1, high))
    else:
        found = [math.floor(low) + 1, math.floor(low) + 2, math.ceil(high) - 1]
    return [_fitting(one, value) for value in dict.fromkeys(found) if low < value < high]


def rows(levels: Mapping[str, Sequence[Any]], seed: int) -> list[dict[str, Any]]:
    """Settings in which every two ends of two parameters meet once: all low, all high, then as few as one finds."""
    luck = Random(seed)
    names = [name for name, values in levels.items() if values]
    found = [{name: levels[name][place] for name in names} for place in (0, -1)]
    pairs = {
        ((a, i), (b, j))
        for a, b in combinations(names, 2)
        for i in range(len(levels[a]))
        for j in range(len(levels[b]))
    }

    def met(row: Mapping[str, int]) -> set[Any]:
        return {((a, row[a]), (b, row[b])) for a, b in combinations(names, 2)} & pairs

    for place in (0, -1):
        pairs -= met({name: place % len(levels[name]) for name in names})
    while pairs and len(found) < MOST_ROWS:
        tries = [{name: luck.randrange(len(levels[name])) for name in names} for _ in range(30)]
        (a, i), (b, j) = min(pairs)
        best = max(({**row, a: i, b: j} for row in tries), key=lambda row: len(met(row)))
        pairs -= met(best)
        found.append({name: levels[name][best[name]] for name in names})
    return found


def drawn(
    known: Sequence[Param], quick: Mapping[str, Any], taken: Mapping[str, Sequence[Any]], count: int, seed: int
) -> list[dict[str, Any]]:
    """Settings at random, each parameter within the ends that were not too large."""
    luck = Random(seed)
    return [{one.name: _draw(one, quick[one.name], taken[one.name], luck) for one in known} for _ in range(count)]


def _draw(one: Param, quick: Any, taken: Sequence[Any], luck: Random) -> Any:
    if one.choices or isinstance(one.default, bool):
        return luck.choice(list(taken)) if taken else quick
    if isinstance(one.default, str):
        return quick
    both = ends(one)
    least, most = both[0] if one.low is not None else -math.inf, both[-1] if one.high is not None else math.inf
    # An end that is too large, or that there is not, is left for something near the size of the tests.
    low = least if least in taken else max(least, min(0.0, quick))
    high = max(low, most if most in taken else min(most, max(1.0, 4 * quick)))
    if low > 0 and high > 20 * low:
        value = math.exp(luck.uniform(math.log(low), math.log(high)))
    else:
        value = luck.uniform(low, high)
    if luck.random() < 0.5 and math.ceil(low) <= math.floor(high):
        value = min(max(round(value), math.ceil(low)), math.floor(high))  # what people type
    return _fitting(one, value)


def _fitting(one: Param, value: float) -> Any:
    """The value with the digits that a person would type, or with all of them where those are not allowed."""
    if isinstance(one.default, int):
        return one.take(round(value))
    try:
        return one.take(float(f"{value:.4g}"))
    except WrongInput:
        return one.take(float(value))
