"""Retry: try again, later, not all at once, not for ever, and not when everybody does.

Which wait is best was measured by M. Brooker (*Exponential Backoff and Jitter*, AWS Architecture Blog, 2015): without
jitter, clients that collided once collide again; full jitter makes the fewest calls. And retries multiply load just
when there is too much of it, so a `Budget` lets them be a small part of the calls and no more (Bronson et al.,
*Metastable Failures in Distributed Systems*, HotOS 2021; Finagle and gRPC ship the same).

>>> retry = Retry(attempts=4, backoff=full_jitter(base_s=0.1, cap_s=5), budget=Budget())
>>> @retry                                # doctest: +SKIP
... async def fetch() -> bytes: ...
>>> await retry.call(fetch, "url")        # doctest: +SKIP
>>> async for attempt in retry:           # doctest: +SKIP
...     with attempt:
...         value = await fetch("url")

Retry only what may be done twice (idempotent), on one layer only: three layers of four attempts make 64 calls.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from random import Random
from types import TracebackType

from windtunnel.blocks.ground.block import Block, Live
from windtunnel.blocks.ground.hooks import tell
from windtunnel.blocks.resilience.deadline import remaining_s
from windtunnel.blocks.resilience.guard import Caller, P, T, awaited, called

Backoff = Callable[[int, float, Random], float]
"""(number of this retry, from 0; the wait before, 0 at first; luck) to seconds to wait."""

Which = type[Exception] | tuple[type[Exception], ...] | Callable[[Exception], bool]
"""The errors that are meant: types, or a function that says so."""


def no_wait() -> Backoff:
    """At once."""
    return lambda retry, before_s, random: 0.0


def exponential(base_s: float = 0.1, cap_s: float = 10.0) -> Backoff:
    """`min(cap, base 2^n)`, without jitter: to be seen failing, not to be used."""
    _check(base_s, cap_s)
    return lambda retry, before_s, random: _doubled(base_s, cap_s, retry)


def equal_jitter(base_s: float = 0.1, cap_s: float = 10.0) -> Backoff:
    """Half of the exponential wait, and a random part of the other half."""
    _check(base_s, cap_s)
    return lambda retry, before_s, random: _doubled(base_s, cap_s, retry) * (0.5 + 0.5 * random.random())


def full_jitter(base_s: float = 0.1, cap_s: float = 10.0) -> Backoff:
    """A random part of the exponential wait."""
    _check(base_s, cap_s)
    return lambda retry, before_s, random: _doubled(base_s, cap_s, retry) * random.random()


def decorrelated_jitter(base_s: float = 0.1, cap_s: float = 10.0) -> Backoff:
    """Between the base and three times the wait before."""
    _check(base_s, cap_s)
    return lambda retry, before_s, random: min(cap_s, random.uniform(base_s, 3 * max(before_s, base_s)))


class Budget(Block):
    """A purse that each call fills with `ratio` and each retry takes 1 from; it begins full and holds `burst`.

    So retries are at most `ratio` of the calls in the long run. Share one among all calls to the same place. For
    tasks of one loop.
    """

    def __init__(self, ratio: float = 0.1, burst: float = 10.0) -> None:
        if not ratio >= 0 or not burst >= 0:
            raise ValueError("ratio and burst must be 0 or more.")
        self.ratio = ratio
        self.burst = burst
        self.tokens = burst

    def _told(self) -> dict[str, object]:
        return {"ratio": self.ratio, "burst": self.burst, "tokens": self.tokens}

    def deposit(self) -> None:
        """A first attempt was made."""
        self.tokens = min(self.burst, self.tokens + self.ratio)

    def withdraw(self) -> bool:
        """Take one token for one more attempt; False, and nothing taken, where there is none."""
        if self.tokens < 1 - 1e-9:
            return False
        self.tokens -= 1
        return True


HTTPX = {"NetworkError", "TimeoutException", "RemoteProtocolError"}
"""What httpx and httpcore call a connection that broke and time that ran out: no kinds of Python's own."""


def is_passing(error: Exception) -> bool:
    """Whether a connection broke or time ran out: Python's own errors, and those of httpx."""
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    kinds = type(error).__mro__
    return any(kind.__name__ in HTTPX and kind.__module__.partition(".")[0] in ("httpx", "httpcore") for kind in kinds)


def certainly_not_done(error: Exception) -> bool:
    """Whether the error itself says so: `outcome` is `"fail"`, as of each `Refused`. To be tried again also where doing
    a thing twice would be wrong."""
    return getattr(error, "outcome", None) == "fail"


class Retry(Caller):
    """Try up to `attempts` times, waiting `backoff` in between; the last error is raised as it is.

    Tried again are only errors that `on` names: types, or a function that says so; by default `is_passing`. Of an
    `ExceptionGroup` all members must be meant by the types. Cancellation is never caught. An error with an attribute
    `retry_after_s` (a rate limit, an open circuit) sets the least wait; an infinite one means that there is nothing to
    wait for. Where the deadline (see `deadline`) would pass during the wait, or `budget` is empty, the error is raised
    at once. `on_retry(error, wait_s)` is told of each error that is tried again. Stateless but for the budget: one
    object serves all tasks, and all threads where it has no budget.
    """

    def __init__(
        self,
        attempts: int = 3,
        backoff: Backoff | None = None,
        *,
        on: Which = is_passing,
        budget: Budget | None = None,
        random: Random | None = None,
        on_retry: Callable[[Exception, float], object] | None = None,
    ) -> None:
        if attempts < 1:
            raise ValueError(f"attempts must be at least 1; got {attempts}.")
        self._attempts = attempts
        self._backoff = full_jitter() if backoff is None else backoff
        self._on = on
        self._budget = budget
        self._random = Random() if random is None else random
        self._on_retry = on_retry

    def _told(self) -> dict[str, object]:
        return {"attempts": self._attempts}

    async def call(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """`await function(*args, **kwargs)`, until it succeeds or there is no more trying."""
        if self._budget is not None:
            self._budget.deposit()
        retry, wait_s = 0, 0.0
        while True:
            try:
                return await awaited(function, *args, **kwargs)
            except Exception as error:
                wait = self._wait_s(error, retry, wait_s)
                if wait is None:
                    raise
                wait_s = wait
            await asyncio.sleep(wait_s)
            retry += 1

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`function(*args, **kwargs)` of a plain function, until it succeeds or there is no more trying."""
        if self._budget is not None:
            self._budget.deposit()
        retry, wait_s = 0, 0.0
        while True:
            try:
                return called(function, *args, **kwargs)
            except Exception as error:
                wait = self._wait_s(error, retry, wait_s)
                if wait is None:
                    raise
                wait_s = wait
            time.sleep(wait_s)
            retry += 1

    def __iter__(self) -> Iterator[Attempt]:
        """The same rounds for plain code: `for attempt in retry`."""
        if self._budget is not None:
            self._budget.deposit()
        attempt = Attempt(self, 0, 0.0)
        yield attempt
        while attempt.wait_s is not None:
            time.sleep(attempt.wait_s)
            attempt = Attempt(self, attempt.number + 1, attempt.wait_s)
            yield attempt

    def __aiter__(self) -> Rounds:
        if self._budget is not None:
            self._budget.deposit()
        return Rounds(self)

    def _wait_s(self, error: Exception, retry: int, before_s: float) -> float | None:
        """Seconds to wait before trying again, or `None` to give up."""
        if retry + 1 >= self._attempts or not matches(error, self._on):
            return None
        wait_s = max(self._backoff(retry, before_s, self._random), _asked_for_s(error))
        if not wait_s < math.inf:
            return None
        left_s = remaining_s()
        if left_s is not None and wait_s >= left_s:
            return None
        if self._budget is not None and not self._budget.withdraw():
            return None
        tell(self._on_retry, error, wait_s)
        return wait_s


class Attempt(Live):
    """One round of `async for attempt in retry`; swallows an error that is worth another round. For one task."""

    def __init__(self, retry: Retry, number: int, before_s: float) -> None:
        self.number = number
        self.wait_s: float | None = None
        self._retry = retry
        self._before_s = before_s

    def _told(self) -> dict[str, object]:
        return {"number": self.number, "wait_s": self.wait_s}

    def __enter__(self) -> Attempt:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self.wait_s = self._retry._wait_s(error, self.number, self._before_s)
        return self.wait_s is not None


class Rounds(Live):
    """What `async for attempt in retry` goes through: an attempt, and one more for each that failed. For one task."""

    def __init__(self, retry: Retry) -> None:
        self._retry = retry
        self._last: Attempt | None = None

    def __aiter__(self) -> Rounds:
        return self

    async def __anext__(self) -> Attempt:
        last = self._last
        if last is None:
            self._last = Attempt(self._retry, 0, 0.0)
        elif last.wait_s is None:
            raise StopAsyncIteration
        else:
            await asyncio.sleep(last.wait_s)
            self._last = Attempt(self._retry, last.number + 1, last.wait_s)
        return self._last


def matches(error: Exception, which: Which) -> bool:
    """Whether `which` means this error; of a group, whether types mean all of its members."""
    if not isinstance(which, type | tuple):
        return which(error)
    if isinstance(error, which):
        return True
    return isinstance(error, ExceptionGroup) and error.split(which)[1] is None


def _asked_for_s(error: Exception) -> float:
    """The wait that the error asks for; what is no number (many clients set `None`) asks for none."""
    asked = getattr(error, "retry_after_s", None)
    if isinstance(asked, bool) or not isinstance(asked, int | float) or not asked > 0:
        return 0.0
    return float(asked)


def _check(base_s: float, cap_s: float) -> None:
    if not 0 <= base_s <= cap_s:
        raise ValueError(f"There must be 0 <= base_s <= cap_s; got {base_s} and {cap_s}.")


def _doubled(base_s: float, cap_s: float, retry: int) -> float:
    return min(cap_s, base_s * 2.0 ** min(retry, 1000))
