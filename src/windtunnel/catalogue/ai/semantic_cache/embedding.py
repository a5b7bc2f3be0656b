"""Texts as vectors, without weights: counts of short runs of characters, the rarer the heavier, in hashed places.

Numbers are whole, so that a product of two vectors is the same on every machine, in whatever order it is summed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import log
from typing import TYPE_CHECKING, Any, TypeAlias

from windtunnel.portable import each

if TYPE_CHECKING:
    import numpy as np

Array: TypeAlias = "np.ndarray[Any, Any]"
PLACES, RUNS = 1024, (3, 4, 5)
"""Numbers of a vector, and how many characters a run has."""
HEAVY = 4
"""A run's weight is so many times the logarithm of how rare it is, rounded."""
MOST = 2
"""More of the same run in one text count as so many."""
_APART = re.compile(r"[\W_]+")
_STIR = 0x9E3779B97F4A7C15


def plain(text: str) -> str:
    """Small letters and digits, one space between words and at both ends."""
    return f" {_APART.sub(' ', text.lower()).strip()} "


def counts(texts: Sequence[str]) -> Array:
    """How often each text has runs of each place, (texts, places), with the sign that the run's hash has."""
    import numpy as np

    rows = [plain(text).encode() for text in texts]
    letters = np.frombuffer(b"".join(rows), np.uint8).astype(np.uint64)
    row = np.repeat(np.arange(len(rows)), [len(one) for one in rows])
    cells: list[Array] = []
    signs: list[Array] = []
    for many in RUNS:
        hashed = np.full(max(0, len(letters) - many + 1), many, np.uint64)
        for step in range(many):
            hashed = (hashed ^ letters[step : len(letters) - many + 1 + step]) * np.uint64(_STIR)
            hashed ^= hashed >> np.uint64(29)
        inside = row[: len(hashed)] == row[many - 1 :]
        hashed = hashed[inside]
        cells.append(row[: len(inside)][inside] * PLACES + (hashed >> np.uint64(54)).astype(np.int64))
        signs.append(1.0 - 2.0 * ((hashed >> np.uint64(53)) & np.uint64(1)))
    total = np.bincount(np.concatenate(cells), np.concatenate(signs), len(rows) * PLACES)
    return np.clip(total, -MOST, MOST).reshape(len(rows), PLACES)


def weights(texts: Sequence[str]) -> Array:
    """Of each place how much it counts, learned from texts: little where many of them have it."""
    import numpy as np

    having = (counts(texts) != 0).sum(axis=0)
    heavy: Array = np.rint(HEAVY * each(log, (1 + len(texts)) / (1 + having)))
    return heavy


def cosines(texts: Sequence[str], heavy: Array) -> Array:
    """The cosine of every text with every text, (texts, texts)."""
    import numpy as np

    rows = (counts(texts) * heavy).astype(np.float32)
    products = rows @ rows.T  # whole numbers below 2 ** 24: exact
    long = np.sqrt(np.maximum(1.0, np.diagonal(products).astype(np.float64)))
    near: Array = (products / long[:, None] / long[None, :]).astype(np.float32)
    return near
