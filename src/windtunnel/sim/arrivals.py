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


def _positive(mean_s: float) -> float:
    if not mean_s > 0:
        raise ValueError(f"A time needs a mean above 0 s; got {mean_s}.")
    return mean_s


def _whole(times: NDArray[np.float64]) -> Times:
    import numpy as np

    return np.rint(times).astype(np.int64)
