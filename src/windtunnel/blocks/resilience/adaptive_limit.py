"""Adaptive concurrency limits: how many requests at a time, found by watching latency instead of by guessing.

By Little's law a service holds throughput times latency requests; more than that only queue. TCP has found such a limit
for decades, without being told it, and the same control laws work for requests (Netflix, *concurrency-limits*, 2018):

- `Vegas` (Brakmo and Peterson, SIGCOMM 1994) estimates the queue as `limit (1 - least latency / latency)`,
  adds 1 below `alpha`, takes 1 away above `beta`;
- `Gradient2` compares a short with a long average of the latency and so follows a baseline that changes;
- `Aimd` (Chiu and Jain, 1989) adds 1 as long as all goes well and multiplies by `backoff` when it does not.

>>> limiter = AdaptiveLimiter(Vegas())
>>> async with limiter:                   # doctest: +SKIP
...     await ask()                       # LimitExceeded, at once, if there are too many already

The laws are plain objects without a clock: `update(latency_s, in_flight, dropped)` returns the new limit. None of
them awaits, so the tasks of one loop may share one; several threads may not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.errors import Refused
from windtunnel.blocks.resilience.deadline import now_s
from windtunnel.blocks.resilience.guard import Guard
from windtunnel.blocks.resilience.retry import Which, matches


class LimitExceeded(Refused):
    """The call was not made: as many as the limit allows are in progress."""

    this_call_only = True


class LimitLaw(Protocol):
    """A control law."""

    @property
    def limit(self) -> float:
        """The present limit, at least 1; requests may run while fewer than its whole part do."""

    def update(self, latency_s: float, in_flight: int, dropped: bool) -> float:
        """Learn from one request: its latency, how many ran when it began, whether it was dropped or timed out."""


class _Law(Block):
    """What the laws share. For the tasks of one loop."""

    limit: float

    def _told(self) -> dict[str, object]:
        return {"limit": self.limit}


class FixedLimit(_Law):
    """A limit that stays: for comparison, and where the right number is known."""

    def __init__(self, limit: int) -> None:
        self.limit = float(limit)

    def update(self, latency_s: float, in_flight: int, dropped: bool) -> float:
        return self.limit


class Aimd(_Law):
    """Add 1 for each success while the limit is in use, multiply by `backoff` for each drop or slow answer."""

    def __init__(
        self, *, initial: int = 10, least: int = 1, most: int = 1000, backoff: float = 0.9, slow_s: float = math.inf
    ) -> None:
        _check(initial, least, most)
        if not 0 < backoff < 1:
            raise ValueError(f"backoff must lie between 0 and 1; got {backoff}.")
        self.limit = float(initial)
        self._least, self._most, self._backoff, self._slow_s = least, most, backoff, slow_s

    def update(self, latency_s: float, in_flight: int, dropped: bool) -> float:
        if dropped or latency_s > self._slow_s:
            self.limit = max(self._least, self.limit * self._backoff)
        elif in_flight * 2 >= self.limit:
            self.limit = min(self._most, self.limit + 1)
        return self.limit


class Vegas(_Law):
    """Keep the estimated queue between `alpha` and `beta` times the decimal logarithm of the limit (3 and 6).

    The least latency seen is taken for that of an idle service. It is forgotten every `probe` times limit requests,
    because an idle service, too, can become slower; the next request sets it anew.
    """

    def __init__(
        self, *, initial: int = 20, least: int = 1, most: int = 1000, alpha: float = 3, beta: float = 6, probe: int = 30
    ) -> None:
        _check(initial, least, most)
        if not 0 < alpha < beta:
            raise ValueError("There must be 0 < alpha < beta.")
        self.limit = float(initial)
        self._least, self._most, self._alpha, self._beta, self._probe = least, most, alpha, beta, probe
        self._idle_s = math.inf
        self._until_probe = probe * initial

    def update(self, latency_s: float, in_flight: int, dropped: bool) -> float:
        self._until_probe -= 1
        if self._until_probe <= 0:
            self._until_probe = int(self._probe * self.limit)
            self._idle_s = latency_s
            return self.limit
        self._idle_s = min(self._idle_s, latency_s)
        step = max(1.0, math.log10(self.limit))
        if dropped:
            self.limit -= step
        elif in_flight * 2 >= self.limit and latency_s > 0:  # a limit that is not used says nothing
            queue = math.ceil(self.limit * (1 - self._idle_s / latency_s))
            if queue <= step:
                self.limit += self._beta * step
            elif queue < self._alpha * step:
                self.limit += step
            elif queue > self._beta * step:
                self.limit -= step
        self.limit = min(float(self._most), max(float(self._least), self.limit))
        return self.limit


class Gradient2(_Law):
    """Move the limit with the ratio of the long average latency to the latest one, and leave room for `queue`.

    `tolerance`: how much slower than the long average is still fine. `smoothing`: weight of the new limit.
    """

    def __init__(
        self,
        *,
        initial: int = 20,
        least: int = 1,
        most: int = 1000,
        queue: float = 4,
        tolerance: float = 1.5,
        smoothing: float = 0.2,
        window: int = 600,
    ) -> None:
        _check(initial, least, most)
        if not tolerance >= 1 or not 0 < smoothing <= 1:
            raise ValueError("tolerance must be at least 1, smoothing above 0 and at most 1.")
        self.limit = float(initial)
        self._least, self._most, self._queue = least, most, queue
        self._tolerance, self._smoothing, self._window = tolerance, smoothing, window
        self._long_s = 0.0
        self._seen = 0

    def update(self, latency_s: float, in_flight: int, dropped: bool) -> float:
        self._seen += 1
        weight = max(2 / (self._window + 1), 1 / self._seen)  # a plain mean at first, then an exponential one
        self._long_s += weight * (latency_s - self._long_s)
        if latency_s <= 0:
            return self.limit
        if self._long_s > 2 * latency_s:  # after an overload: come down faster
            self._long_s *= 0.95
        if not dropped and in_flight * 2 < self.limit:
            return self.limit
        gradient = 0.5 if dropped else max(0.5, min(1.0, self._tolerance * self._long_s / latency_s))
        new = self.limit * gradient + self._queue
        self.limit += self._smoothing * (new - self.limit)
        self.limit = min(float(self._most), max(float(self._least), self.limit))
        return self.limit


class AdaptiveLimiter(Guard):
    """Lets a request through while fewer than `law.limit` are in progress; tells the law how each one fared.

    `drops`: the errors that mean overload (a timeout, a refusal); other errors and cancellation teach nothing.
    `on_reject` is told of each refusal. For tasks of one loop, or for threads in its plain form.
    """

    def __init__(
        self, law: LimitLaw, *, drops: Which = TimeoutError, on_reject: Callable[[Refused], object] | None = None
    ) -> None:
        self.law = law
        self.in_flight = 0
        self._drops = drops
        self._on_reject = on_reject

    def _told(self) -> dict[str, object]:
        return {"limit": self.law.limit, "in_flight": self.in_flight}

    def _enter(self) -> tuple[float, int]:
        if self.in_flight >= int(self.law.limit):
            raise LimitExceeded(f"{self.in_flight} calls are in progress, as many as the limit allows now.")
        self.in_flight += 1
        return now_s(), self.in_flight

    def _leave(self, entry: tuple[float, int], error: BaseException | None) -> None:
        start, in_flight = entry
        self.in_flight -= 1
        dropped = isinstance(error, Exception) and matches(error, self._drops)
        if error is None or dropped:
            self.law.update(now_s() - start, in_flight, dropped)


def _check(initial: int, least: int, most: int) -> None:
    if not 1 <= least <= initial <= most:
        raise ValueError(f"There must be 1 <= least <= initial <= most; got {least}, {initial}, {most}.")
