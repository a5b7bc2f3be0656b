"""Arrivals and service times as arrays of whole nanoseconds: one stream for the event simulator and the kernels.

Both tiers walk the same integers, so that their answers can be compared for equality, not for likeness.
"""

from __future__ import annotations

from math import log, sqrt
from typing import TYPE_CHECKING

from windtunnel.sim.kernel import NS
from windtunnel.sim.randomness import derive

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Times = NDArray[np.int64]


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A NumPy generator for the stream with these names, the array counterpart of `randomness.stream`."""
    import numpy as np

    return np.random.Generator(np.random.PCG64(derive(seed, *names)))


def poisson_ns(luck: np.random.Generator, rate: float, count: int) -> Times:
    """Moments of `count` arrivals of a Poisson process with `rate` a second, from time 0 on."""
    if rate <= 0:
        raise ValueError(f"A Poisson process needs a rate above 0; got {rate}.")
    import numpy as np

    return np.cumsum(exponential_ns(luck, 1 / rate, count), dtype=np.int64)


def exponential_ns(luck: np.random.Generator, mean_s: float, count: int) -> Times:
    """Exponential times with this mean."""
    return _whole(luck.exponential(_positive(mean_s) * NS, count))


def constant_ns(value_s: float, count: int) -> Times:
    """The same time again and again."""
    import numpy as np

    return np.full(count, round(_positive(value_s) * NS), dtype=np.int64)


def lognormal_ns(luck: np.random.Generator, mean_s: float, cv: float, count: int) -> Times:
    """Lognormal times with this mean, and this standard deviation over the mean."""
    if cv <= 0:
        raise ValueError(f"A lognormal time needs a coefficient of variation above 0; got {cv}.")
    spread = sqrt(log(1 + cv * cv))
    return _whole(luck.lognormal(log(_positive(mean_s) * NS) - spread * spread / 2, spread, count))


def gamma_ns(luck: np.random.Generator, mean_s: float, cv: float, count: int) -> Times:
    """Gamma times with this mean and coefficient of variation: 1/sqrt(k) is an Erlang time of k stages."""
    if cv <= 0:
        raise ValueError(f"A gamma time needs a coefficient of variation above 0; got {cv}.")
    return _whole(luck.gamma(1 / (cv * cv), _positive(mean_s) * NS * cv * cv, count))


def hyperexponential_ns(luck: np.random.Generator, mean_s: float, cv: float, count: int) -> Times:
    """A mix of two exponentials with balanced means, of this mean and a coefficient of variation of 1 or more
    (Allen, *Probability, Statistics and Queueing Theory*, 1990, sect. 3.2)."""
    if cv < 1:
        raise ValueError(f"A hyperexponential time has a coefficient of variation of at least 1; got {cv}.")
    import numpy as np

    share = (1 + sqrt((cv * cv - 1) / (cv * cv + 1))) / 2
    first = luck.random(count) < share
    scale = np.where(first, 1 / (2 * share), 1 / (2 * (1 - share))) * _positive(mean_s) * NS
    return _whole(luck.standard_exponential(count) * scale)


def _positive(mean_s: float) -> float:
    if not mean_s > 0:
        raise ValueError(f"A time needs a mean above 0 s; got {mean_s}.")
    return mean_s


def _whole(times: NDArray[np.float64]) -> Times:
    import numpy as np

    return np.rint(times).astype(np.int64)
