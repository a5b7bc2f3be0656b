"""How long messages take, as measured and fitted at LinkedIn and Yammer, and what follows for reads and writes.

Bailis, Venkataraman, Franklin, Hellerstein, Stoica, *Probabilistically Bounded Staleness for Practical Partial
Quorums*, VLDB 2012, sections 4.1 and 5.5; numbers as in the authors' own simulator. Four messages have a name: W
carries a write to a replica, A its acknowledgement, R a read, S its answer. The last three are alike in all fits.
Milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from random import Random
from typing import TYPE_CHECKING

from windtunnel.portable import exp

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

SURE = 0.999
"""The share of reads that shall see a write, where the wait for that is asked."""


@dataclass(frozen=True, slots=True)
class Delay:
    """A share of messages takes a Pareto time, the others are exponential.

    Args:
        share: of the messages that take a Pareto time.
        least_ms: its least value.
        shape: its shape; the smaller, the heavier its tail.
        rate_per_ms: of the others.
    """

    share: float
    least_ms: float
    shape: float
    rate_per_ms: float

    def draw_s(self, luck: Random) -> float:
        """Seconds of one message."""
        if luck.random() < self.share:
            return 1e-3 * self.least_ms / float((1 - luck.random()) ** (1 / self.shape))
        return 1e-3 * luck.expovariate(self.rate_per_ms)

    def draws_ms(self, luck: np.random.Generator, shape: tuple[int, int]) -> Array:
        """Milliseconds of many. The logarithm of a Pareto time is exponential: one draw serves whichever it is."""
        import numpy as np

        drawn = luck.standard_exponential(shape)
        in_tail = luck.random(shape, np.float32) < self.share
        return np.where(in_tail, self.least_ms * exp(drawn / self.shape), drawn / self.rate_per_ms)


SSD = Delay(0.9122, 0.235, 10.0, 1.66)
NEXT_TO_NOTHING = Delay(0.0, 1.0, 1.0, 1e6)
FITS = {
    "LinkedIn disk": (Delay(0.38, 1.05, 1.51, 0.183), SSD),
    "LinkedIn SSD": (SSD, SSD),
    "Yammer": (Delay(0.939, 3.0, 3.35, 0.0028), Delay(0.982, 1.5, 3.8, 0.0217)),
    "exponential": (Delay(0.0, 1.0, 1.0, 0.1), NEXT_TO_NOTHING),
}
"""By name: W, and what A, R and S have in common. The last is nobody's: writes take 10 ms on average, the rest nothing,
so that the answer can be written down."""


@dataclass(frozen=True, slots=True)
class Model:
    """What many trials say of a read quorum and a write quorum.

    Attributes:
        stale: by the ages that were asked, the share of reads that miss a write which was acknowledged so long before.
        sure_ms: how long after the acknowledgement 99.9 % of the reads see it.
        put_p999_ms, get_p999_ms: 99.9th percentiles.
        get_ms: the mean wait of a read.
    """

    stale: tuple[float, ...]
    sure_ms: float
    put_p999_ms: float
    get_p999_ms: float
    get_ms: float


def trials(fit: str, copies: int, count: int, seed: int) -> tuple[Array, Array, Array, Array]:
    """Draws of W, A, R and S: trials by copies, the same for all quorums."""
    import numpy as np

    write, rest = FITS[fit]
    luck = np.random.default_rng([seed, copies])
    size = (count, copies)
    return write.draws_ms(luck, size), rest.draws_ms(luck, size), rest.draws_ms(luck, size), rest.draws_ms(luck, size)


@lru_cache(maxsize=2)  # 20 MB each
def in_order(fit: str, copies: int, count: int, seed: int) -> tuple[Array, Array, Array]:
    """Of the same trials, for each number of copies that is waited for: when a write has so many acknowledgements,
    when a read has so many answers, and how long before a write reached the first of those that copy was asked."""
    import numpy as np

    w, a, r, s = trials(fit, copies, count, seed)
    committed, answered = np.sort(w + a, axis=1), r + s
    first = np.argsort(answered, axis=1)
    missed = np.minimum.accumulate(np.take_along_axis(w - r, first, axis=1), axis=1)
    return committed, np.take_along_axis(answered, first, axis=1), missed


def asked(fit: str, copies: int, reads: int, writes: int, ages_ms: Sequence[float], count: int, seed: int) -> Model:
    """The model of this read and write quorum, from so many trials.

    A write goes to all copies, and is acknowledged at the moment `committed` when `writes` of them have answered. A
    read that begins `t` later goes to all, and takes the first `reads` answers. It misses the write where each of those
    was asked before the write came: W > committed + t + R. So each trial has the least t from which on it is seen.
    """
    import numpy as np

    all_committed, all_answered, missed = in_order(fit, copies, count, seed)
    committed, answered = all_committed[:, writes - 1], all_answered[:, reads - 1]
    seen_from = missed[:, reads - 1] - committed
    return Model(
        tuple(float(np.mean(seen_from > age)) for age in ages_ms),
        max(0.0, float(np.quantile(seen_from, SURE))),
        float(np.quantile(committed, SURE)),
        float(np.quantile(answered, SURE)),
        float(np.mean(answered)),
    )


def missed_by_count(copies: int, reads: int, writes: int) -> float:
    """The share of reads that miss a write where quorums are drawn at random and nothing spreads: section 3.1."""
    return comb(copies - writes, reads) / comb(copies, reads)


def missed_when_exponential(copies: int, age_ms: float) -> float:
    """The same with one read and one write of `exponential`, `age_ms` after the acknowledgement.

    A read finds the copy that had the write first once in `copies` times; any other has forgotten how long it waits.
    """
    write, _ = FITS["exponential"]
    return (copies - 1) / copies * math.exp(-write.rate_per_ms * age_ms)
