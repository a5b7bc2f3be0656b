"""Rate limiters: five ways to say "so many per second", which differ in what they let through and what they remember.

================== ==================== ==============================================================================
class              remembers for a key  lets through
================== ==================== ==============================================================================
`FixedWindow`      1 count              up to twice the limit around the edge of a window: to be seen failing
`SlidingLog`       every request        exactly `limit` in any window
`SlidingCounter`   2 counts             about that: it takes the window before as spread evenly (Cloudflare, *How we
                                        built rate limiting capable of scaling to millions of domains*, 2017)
`TokenBucket`      tokens and a time    `burst + rate t` in any time `t`
`Gcra`             a debt and a time    the same as the token bucket, decision for decision (the ATM Forum's generic
                                        cell rate algorithm, *Traffic Management 4.0*, 1996)
================== ==================== ==============================================================================

>>> limiter = Gcra(rate_per_s=10, burst=20)
>>> limiter.take("alice").allowed         # doctest: +SKIP
True
>>> await limiter.wait("alice")           # doctest: +SKIP
>>> async with limiter: ...               # doctest: +SKIP

These hold their state in this process. `rate_limit_redis` runs the same algorithms atomically in Redis, for many
processes; `rate_limit_batch` decides arrays of requests at the speed of C.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.errors import Refused
from windtunnel.blocks.resilience.deadline import DeadlineExceeded, now_s, remaining_s
from windtunnel.blocks.resilience.guard import Guard
from windtunnel.blocks.resilience.waiting_line import Lines
from windtunnel.tier import native

S = TypeVar("S")

SLACK_S = 1e-6
"""How much too early a request may come: forgives rounding (a double keeps times around 1.7e9 s to 0.2 µs)."""


RUNNING = {"_inside", "_alone", "_on_reject", "_lines"}
"""What is of those who are inside or wait, and no part of a copy."""


class Decision(NamedTuple):
    """`remaining`: what could still be taken now. `retry_after_s`: when the refused cost could pass, else 0.

    Where the clock has gone back, as a server's may, it counts from the latest time at which that key was asked: nobody
    knows when the clock will be there again.
    """

    allowed: bool
    remaining: float
    retry_after_s: float


class RateLimited(Refused):
    """The request was refused; `retry_after_s` is for the `Retry-After` header of a 429 (RFC 6585)."""

    this_call_only = True

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"Too many requests; try again in {retry_after_s:.3g} s.")
        self.retry_after_s = retry_after_s


class RateLimiter(Guard, Generic[S]):
    """What all limiters share: state for each key, and the ways to ask.

    Keys that have been idle for long enough to be as good as new are forgotten, in sweeps whose cost is spread over
    the requests, so memory is bounded by the keys that are active. `take` neither waits nor awaits, and is
    therefore atomic among the tasks of one loop; it is not safe for several threads. Time is the loop's (`at_s`
    overrides it); for one key it never runs backwards. As a guard (`async with` or a decorator) all calls
    together are one key; `async with limiter.on(key)` takes for one. `on_reject`, an attribute, is told of each refusal
    of a guard. The plain form of a guard is for threads.
    """

    on_reject: Callable[[Refused], object] | None = None

    most: float
    """The largest cost that can ever pass."""

    def __init__(self) -> None:
        self._states: dict[Hashable, S] = {}
        self._until_sweep = 1024

    def __new__(cls, *_: Any, **__: Any) -> Any:
        made = super().__new__(cls)
        made._lines = Lines()
        return made

    _lines: Lines

    @property
    def tracked(self) -> int:
        """Keys that are remembered."""
        return len(self._states)

    def take(self, key: Hashable = "", cost: float = 1, *, at_s: float | None = None) -> Decision:
        """Take `cost` for `key` if that is allowed now; a refusal takes nothing."""
        self.check_cost(cost)
        now = now_s() if at_s is None else at_s
        self._until_sweep -= 1
        if self._until_sweep <= 0:
            self._states = {k: state for k, state in self._states.items() if not self._is_idle(state, now)}
            self._until_sweep = max(1024, len(self._states))
        return self._take(key, cost, now)

    def check_cost(self, cost: float) -> None:
        """Raises ValueError for a cost that can never pass: it is above 0, and at most what passes at once."""
        if not 0 < cost <= self.most:
            raise ValueError(f"A cost must be above 0 and at most {self.most:g}; got {cost:g}.")

    def kept(self, key: Hashable = "") -> str | None:
        """What is remembered of a key, as a text for `keep`, here or elsewhere; None where that is nothing."""
        state: Any = self._states.get(key)
        return None if state is None else " ".join(map(repr, state))

    def keep(self, key: Hashable, text: str | None) -> None:
        """Remember of a key what `kept` said of it, and that alone. Raises ValueError for what is no numbers."""
        if text is None:
            self._states.pop(key, None)
        else:
            self._states[key] = self._read(map(float, text.split()))

    @staticmethod
    def _read(numbers: Iterable[float]) -> Any:
        return tuple(numbers)

    async def wait(self, key: Hashable = "", cost: float = 1) -> None:
        """Return once `cost` has been taken. Raises `DeadlineExceeded` at once where the deadline is sooner.

        Those who wait for a key stand in a line, first come, first served, and only the first of them looks at the
        limit: were all to look whenever there may be room, a thousand would look half a million times. Whoever stands
        behind another finds out at its deadline. `take` asks past the line.
        """
        async with self._lines.first(key):
            while True:
                decision = self.take(key, cost)
                if decision.allowed:
                    return
                left_s = remaining_s()
                if left_s is not None and decision.retry_after_s >= left_s:
                    raise DeadlineExceeded(f"There would be room in {decision.retry_after_s:.3g} s only.")
                await asyncio.sleep(max(decision.retry_after_s, SLACK_S))

    def on(self, key: Hashable, cost: float = 1) -> Guard:
        """A guard that takes `cost` for `key`: `async with limiter.on("alice"): ...`."""
        return _Keyed(self, key, cost)

    def _told(self) -> dict[str, object]:
        settings = {name: value for name, value in self._held().items() if not name.startswith("_") and name != "most"}
        return {**settings, "tracked": self.tracked}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self._held().items() if name not in RUNNING}

    def __reduce_ex__(self, protocol: Any) -> Any:  # keys and numbers: unlike other guards it can be stored and copied
        return Block.__reduce_ex__(self, protocol)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return Block.__deepcopy__(self, memo)

    def _held(self) -> dict[str, Any]:
        return vars(self)

    def _enter(self) -> None:
        decision = self.take()
        if not decision.allowed:
            raise RateLimited(decision.retry_after_s)

    def _admit(self) -> Any:
        self._on_reject = self.on_reject
        return super()._admit()

    async def _admit_waiting(self) -> Any:
        self._on_reject = self.on_reject
        return await super()._admit_waiting()

    @abstractmethod
    def _take(self, key: Hashable, cost: float, now: float) -> Decision: ...

    @abstractmethod
    def _is_idle(self, state: S, now: float) -> bool:
        """Whether forgetting this state changes no decision."""


class _Keyed(Guard):
    """One key of a limiter, as a guard."""

    def __init__(self, limiter: RateLimiter[Any], key: Hashable, cost: float) -> None:
        self._limiter, self._key, self._cost = limiter, key, cost
        self._alone = limiter._alone
        self._on_reject = limiter.on_reject

    def _told(self) -> dict[str, object]:
        return {"key": self._key, "cost": self._cost}

    def _enter(self) -> None:
        decision = self._limiter.take(self._key, self._cost)
        if not decision.allowed:
            raise RateLimited(decision.retry_after_s)


class TokenBucket(RateLimiter[tuple[float, float]]):
    """A bucket of `burst` tokens that fills at `rate_per_s`; each request takes its cost. State: tokens, time."""

    def __init__(self, rate_per_s: float, burst: float) -> None:
        super().__init__()
        _check_rate(rate_per_s, burst)
        self.rate_per_s, self.burst, self.most = rate_per_s, burst, burst

    def _take(self, key: Hashable, cost: float, now: float) -> Decision:
        tokens, then = self._states.get(key, (self.burst, now))
        now = max(now, then)
        tokens = min(self.burst, tokens + (now - then) * self.rate_per_s)
        if cost - tokens <= SLACK_S * self.rate_per_s:
            self._states[key] = tokens - cost, now
            return Decision(True, max(0.0, tokens - cost), 0.0)
        self._states[key] = tokens, now
        return Decision(False, max(0.0, tokens), (cost - tokens) / self.rate_per_s)

    def _is_idle(self, state: tuple[float, float], now: float) -> bool:
        return state[0] + (now - state[1]) * self.rate_per_s >= self.burst


class Gcra(RateLimiter[tuple[float, float]]):
    """The token bucket from its other end: how far the theoretical arrival time, when it would be full, is ahead.

    A request of cost `c` moves it by `c / rate`; it passes if that leaves it at most `burst / rate` from now. The
    distance is kept, in requests, and the time that it was taken at, not their sum: next to the seconds since 1970 a
    double has no room for a ten-millionth of one, and at high rates nothing would be limited at all.
    """

    def __init__(self, rate_per_s: float, burst: float) -> None:
        super().__init__()
        _check_rate(rate_per_s, burst)
        self.rate_per_s, self.burst, self.most = rate_per_s, burst, burst

    def _take(self, key: Hashable, cost: float, now: float) -> Decision:
        ahead, then = self._states.get(key, (0.0, now))
        now = max(now, then)
        ahead = max(0.0, ahead - (now - then) * self.rate_per_s)
        beyond = ahead + cost - self.burst
        if beyond <= SLACK_S * self.rate_per_s:
            self._states[key] = ahead + cost, now
            return Decision(True, max(0.0, -beyond), 0.0)
        self._states[key] = ahead, now
        return Decision(False, max(0.0, self.burst - ahead), beyond / self.rate_per_s)

    def _is_idle(self, state: tuple[float, float], now: float) -> bool:
        return state[0] <= (now - state[1]) * self.rate_per_s


if not TYPE_CHECKING and native is not None:
    native.learn(
        Decision=Decision,
        bucket_decides=TokenBucket._take,
        bucket_idles=TokenBucket._is_idle,
        gcra_decides=Gcra._take,
        gcra_idles=Gcra._is_idle,
        running_loop=asyncio._get_running_loop,
        take_plainly=RateLimiter.take,
    )

    class TokenBucket(native.TokenBucketCore, TokenBucket):
        __doc__ = TokenBucket.__doc__

    class Gcra(native.GcraCore, Gcra):
        __doc__ = Gcra.__doc__

    native.learn(Gcra=Gcra, TokenBucket=TokenBucket)


class SlidingLog(RateLimiter[deque[float]]):
    """The times of all requests of the last `window_s`: exact, at 8 bytes and more a request. Costs are whole."""

    def __init__(self, limit: int, window_s: float) -> None:
        super().__init__()
        _check_window(limit, window_s)
        self.limit, self.window_s, self.most = limit, window_s, limit

    @staticmethod
    def _read(numbers: Iterable[float]) -> deque[float]:
        return deque(numbers)

    def check_cost(self, cost: float) -> None:
        """And it is whole."""
        super().check_cost(cost)
        if cost != int(cost):
            raise ValueError(f"A sliding log counts whole requests; got a cost of {cost:g}.")

    def _take(self, key: Hashable, cost: float, now: float) -> Decision:
        times = self._states.setdefault(key, deque())
        if times:
            now = max(now, times[-1])
        while times and times[0] + self.window_s <= now + SLACK_S:
            times.popleft()
        free = self.limit - len(times)
        if cost <= free:
            times.extend([now] * int(cost))
            return Decision(True, free - cost, 0.0)
        return Decision(False, free, times[int(cost) - free - 1] + self.window_s - now)

    def _is_idle(self, state: deque[float], now: float) -> bool:
        return not state or state[-1] + self.window_s <= now


class SlidingCounter(RateLimiter[tuple[int, float, float]]):
    """This window's count, and the last one's in proportion to how much of it still lies within `window_s` of now.

    State: number of the window, its count, the count of the one before. At 15 s into a minute, with 42 requests in the
    minute before and 18 in this one, it sees `42 (60 - 15) / 60 + 18 = 49.5`.
    """

    def __init__(self, limit: float, window_s: float) -> None:
        super().__init__()
        _check_window(limit, window_s)
        self.limit, self.window_s, self.most = limit, window_s, limit

    def _take(self, key: Hashable, cost: float, now: float) -> Decision:
        window = int(now // self.window_s)
        then, count, before = self._states.get(key, (window, 0.0, 0.0))
        if then > window:
            window, now = then, then * self.window_s
        if then < window:
            count, before = 0.0, count if then == window - 1 else 0.0
        passed = now / self.window_s - window
        seen = before * (1 - passed) + count
        if seen + cost <= self.limit + 1e-9:
            self._states[key] = window, count + cost, before
            return Decision(True, max(0.0, self.limit - seen - cost), 0.0)
        if count + cost <= self.limit:  # once enough of the window before has passed
            wait_s = (1 - (self.limit - cost - count) / before - passed) * self.window_s
        else:  # in the next window, when this one is the window before
            wait_s = (2 - (self.limit - cost) / count - passed) * self.window_s
        return Decision(False, max(0.0, self.limit - seen), wait_s)

    def _is_idle(self, state: tuple[int, float, float], now: float) -> bool:
        return state[0] < now // self.window_s - 1


class FixedWindow(RateLimiter[tuple[int, float]]):
    """A count that starts again with each window: at the edge of two, twice the limit passes in a moment."""

    def __init__(self, limit: float, window_s: float) -> None:
        super().__init__()
        _check_window(limit, window_s)
        self.limit, self.window_s, self.most = limit, window_s, limit

    def _take(self, key: Hashable, cost: float, now: float) -> Decision:
        window = int(now // self.window_s)
        then, count = self._states.get(key, (window, 0.0))
        if then > window:
            window, now = then, then * self.window_s
        if then < window:
            count = 0.0
        if count + cost <= self.limit + 1e-9:  # ten times a tenth is not one
            self._states[key] = window, count + cost
            return Decision(True, max(0.0, self.limit - count - cost), 0.0)
        return Decision(False, max(0.0, self.limit - count), (window + 1) * self.window_s - now)

    def _is_idle(self, state: tuple[int, float], now: float) -> bool:
        return state[0] < now // self.window_s


def _check_rate(rate_per_s: float, burst: float) -> None:
    if not rate_per_s > 0 or not burst > 0:
        raise ValueError("rate_per_s and burst must be positive.")


def _check_window(limit: float, window_s: float) -> None:
    if not limit > 0 or not window_s > 0:
        raise ValueError("limit and window_s must be positive.")
