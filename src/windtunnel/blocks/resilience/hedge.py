"""Hedge: when the answer is late, ask a second time, take whichever comes first, and cancel the other.

In a fan-out to a hundred servers the slowest decides, and one call in a hundred that takes a second makes most requests
take one. Asking again after the 95th percentile costs 5 % more calls; in BigTable a second call after 10 ms took the
99.9th percentile from 1,800 to 74 ms for 2 % more (Dean and Barroso, *The Tail at Scale*, CACM 2013). It helps where
slowness is bad luck of the single call, and hurts where it is load: so there is a budget.

>>> hedge = Hedge(delay_s=0.010)
>>> await hedge.call(ask, "key")          # doctest: +SKIP

Only for what may be done twice (idempotent), and only if the second call goes elsewhere: `ask` is called anew.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.resilience.deadline import now_s
from windtunnel.blocks.resilience.guard import Caller, P, T, awaited
from windtunnel.blocks.resilience.retry import Budget


class Quantile(Block):
    """The given quantile of the last `window` latencies: a delay that follows the service. `first_s` until then.

    For tasks of one loop.
    """

    def __init__(self, q: float = 0.95, *, first_s: float, window: int = 1000) -> None:
        if not 0 < q < 1 or window < 20:
            raise ValueError("q must lie between 0 and 1, window be 20 or more.")
        self._q = q
        self._seen: deque[float] = deque(maxlen=window)
        self._new = 0
        self._value_s = first_s

    def _told(self) -> dict[str, object]:
        return {"q": self._q, "of": len(self._seen), "value_s": self._value_s}

    def add(self, latency_s: float) -> None:
        """Note one latency; the quantile is taken anew after each twentieth of the window."""
        self._seen.append(latency_s)
        self._new += 1
        if self._new * 20 >= (self._seen.maxlen or 0):
            self._new = 0
            self._value_s = sorted(self._seen)[int(self._q * len(self._seen))]

    def __call__(self) -> float:
        return self._value_s


class Hedge(Caller):
    """Call; after `delay_s` without an answer call again, up to `extra` times; the first success wins.

    Errors do not win: one is raised only when all calls that were made have failed, and it is the first. When a call
    fails, the next is made at once. Losers are cancelled and awaited before `call` returns; so is everything when
    the caller is cancelled. `delay_s` is seconds, or a `Quantile`, which learns from the calls. Each extra
    call takes a token from `budget` (default: 5 % of the calls, and never more than 10 in a burst); without one it
    is not made. A call that was cancelled from inside has failed like others. For tasks of one loop.
    """

    _plain = False

    def __init__(self, delay_s: float | Quantile, *, extra: int = 1, budget: Budget | None = None) -> None:
        if extra < 1 or (isinstance(delay_s, float | int) and not delay_s >= 0):
            raise ValueError("extra must be at least 1, delay_s not negative.")
        self._delay_s = delay_s
        self._extra = extra
        self._budget = Budget(ratio=0.05) if budget is None else budget
        self.calls = 0
        self.hedged = 0

    def _told(self) -> dict[str, object]:
        return {"calls": self.calls, "hedged": self.hedged}

    async def call(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The first successful `await function(*args, **kwargs)`."""
        self.calls += 1
        self._budget.deposit()
        delay_s = self._delay_s() if isinstance(self._delay_s, Quantile) else self._delay_s
        running = [asyncio.ensure_future(self._first(function, *args, **kwargs))]
        first_error: BaseException | None = None
        more = self._extra
        try:
            while running:
                done, _ = await asyncio.wait(
                    running, timeout=delay_s if more else None, return_when=asyncio.FIRST_COMPLETED
                )
                for task in [task for task in running if task in done]:  # in the order in which they began
                    running.remove(task)
                    error = asyncio.CancelledError() if task.cancelled() else task.exception()
                    if error is None:
                        return task.result()
                    if not isinstance(error, Exception | asyncio.CancelledError):
                        raise error
                    first_error = first_error or error
                if more and self._budget.withdraw():
                    more -= 1
                    self.hedged += 1
                    running.append(asyncio.ensure_future(awaited(function, *args, **kwargs)))
                else:
                    more = 0
            assert first_error is not None
            raise first_error
        finally:
            for task in running:
                task.cancel()
            if running:
                await asyncio.gather(*running, return_exceptions=True)

    async def _first(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The first attempt. If it loses, the time it took until then is noted: at least that would it have taken."""
        start = now_s()
        try:
            return await awaited(function, *args, **kwargs)
        finally:
            if isinstance(self._delay_s, Quantile):
                self._delay_s.add(now_s() - start)
