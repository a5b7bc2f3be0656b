"""Load shedding: serve what can be served in time, and refuse the rest at once and cheaply.

First in, first out is the worst order under overload: everyone waits until nobody's answer is of use. Facebook's cure
(Maurer, *Fail at Scale*, ACM Queue 2015) has two parts, and `LoadShedder` both:

- **controlled delay**: a request may wait `interval_s` (100 ms) as long as the queue has been empty within the last
  such interval; otherwise the queue stands, and it may wait `target_s` (5 ms) only;
- **adaptive LIFO**: while the queue stands, the newest request goes first, because its client is still there.

`ClientThrottle` is the other end: a client that sees its requests refused stops sending some of them, so that
the server need not even refuse (Beyer et al., *Site Reliability Engineering*, 2016, chapter 21).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from random import Random

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.errors import Refused
from windtunnel.blocks.resilience.deadline import now_s, remaining_s
from windtunnel.blocks.resilience.guard import Guard
from windtunnel.blocks.resilience.retry import Which, matches


class Shed(Refused):
    """The request was refused without any work done."""

    this_call_only = True


class ControlledDelay(Block):
    """How long a request may wait: `interval_s` while the queue has been empty of late, `target_s` while it stands.

    The law alone, without a queue or a clock; any unit of time will do, as long as all are of one. For one thread.
    """

    def __init__(self, target_s: float = 0.005, interval_s: float = 0.1) -> None:
        if not 0 < target_s <= interval_s:
            raise ValueError("There must be 0 < target_s <= interval_s.")
        self.target_s, self.interval_s = target_s, interval_s
        self._empty_at = -float("inf")

    def _told(self) -> dict[str, object]:
        return {"target_s": self.target_s, "interval_s": self.interval_s}

    def empty(self, now: float) -> None:
        """Nobody waits at this moment."""
        self._empty_at = now

    def standing(self, now: float) -> bool:
        """Whether the queue, in which somebody waits, has not been empty for an interval: overload."""
        return now - self._empty_at > self.interval_s

    def patience(self, now: float) -> float:
        """How long anybody may wait who looks now."""
        return self.target_s if self.standing(now) else self.interval_s


class LoadShedder(Guard):
    """At most `limit` requests at a time; others wait as long as controlled delay and their deadline let them.

    `queue_limit` bounds the queue: a newcomer to a full one takes the place of the oldest while the queue stands, and
    is refused otherwise. `on_reject` is told of each refusal. For tasks of one loop.
    """

    _plain = False

    def __init__(
        self,
        limit: int,
        *,
        target_s: float = 0.005,
        interval_s: float = 0.1,
        queue_limit: int = 1000,
        on_reject: Callable[[Refused], object] | None = None,
    ) -> None:
        if limit < 1 or queue_limit < 1:
            raise ValueError(f"limit and queue_limit must be at least 1; got {limit} and {queue_limit}.")
        self.limit = limit
        self.in_flight = 0
        self.shed = 0
        self._on_reject = on_reject
        self._delay = ControlledDelay(target_s, interval_s)
        self._queue_limit = queue_limit
        self._queue: OrderedDict[asyncio.Future[bool], None] = OrderedDict()
        """Those who wait, oldest first; a future becomes True with the turn, False with the refusal."""

    def _told(self) -> dict[str, object]:
        return {"limit": self.limit, "in_flight": self.in_flight, "waiting": self.waiting, "shed": self.shed}

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._queue)

    @property
    def standing(self) -> bool:
        """Whether the queue has not been empty for an interval: overload."""
        return bool(self._queue) and self._delay.standing(now_s())

    async def _enter_waiting(self) -> None:
        if self.in_flight < self.limit:
            self._delay.empty(now_s())
            self.in_flight += 1
            return
        now, loop = now_s(), asyncio.get_running_loop()
        if not self._queue:
            self._delay.empty(now)
        standing = self.standing
        if len(self._queue) >= self._queue_limit:
            if not standing:
                self.shed += 1
                raise Shed(f"{self._queue_limit} requests are waiting.")
            self._refuse(next(iter(self._queue)))
        patience_s = self._delay.patience(now)
        left_s = remaining_s()
        turn: asyncio.Future[bool] = loop.create_future()
        self._queue[turn] = None
        timer = loop.call_at(now + min(patience_s, patience_s if left_s is None else left_s), self._refuse, turn)
        try:
            if not await turn:
                raise Shed(f"No turn within {now_s() - now:.3g} s.")
        except asyncio.CancelledError:
            if turn in self._queue:
                self._forget(turn)
            elif turn.done() and not turn.cancelled() and turn.result():
                self._pass_on()
            raise
        finally:
            timer.cancel()

    def _leave(self, entry: None, error: BaseException | None) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        """Give the place to the newest while the queue stands, else to the oldest, else back."""
        while self._queue:
            turn = next(reversed(self._queue)) if self.standing else next(iter(self._queue))
            self._forget(turn)
            if not turn.done():
                turn.set_result(True)
                return
        self.in_flight -= 1

    def _refuse(self, turn: asyncio.Future[bool]) -> None:
        if turn in self._queue:
            self._forget(turn)
        if not turn.done():
            self.shed += 1
            turn.set_result(False)

    def _forget(self, turn: asyncio.Future[bool]) -> None:
        del self._queue[turn]
        if not self._queue:
            self._delay.empty(now_s())


class Throttled(Refused):
    """The client itself did not send this request, because too many were refused lately."""

    this_call_only = True


class ClientThrottle(Guard):
    """Sends a request with probability `1 - max(0, (requests - k accepts) / (requests + 1))`.

    Both are counted over the last `window_s`, in `buckets`. With `k` = 2 the server sees about twice what it
    accepts, so that it is noticed soon when it accepts more. `refusals`: the errors that mean "overloaded"; every
    other end of a request counts as accepted. `on_reject` is told of each that was held back. For tasks of one loop, or
    for threads in its plain form.
    """

    def __init__(
        self,
        k: float = 2.0,
        *,
        window_s: float = 120.0,
        buckets: int = 12,
        refusals: Which = Shed,
        random: Random | None = None,
        on_reject: Callable[[Refused], object] | None = None,
    ) -> None:
        if not k >= 1 or not window_s > 0 or buckets < 1:
            raise ValueError("k must be at least 1, window_s and buckets positive.")
        self._k = k
        self._bucket_s = window_s / buckets
        self._buckets: deque[list[int]] = deque([[0, 0, 0]], maxlen=buckets)
        """[number of the bucket, requests, accepts], oldest first."""
        self._refusals = refusals
        self._on_reject = on_reject
        self._random = Random() if random is None else random

    def _told(self) -> dict[str, object]:
        return {"k": self._k, "requests": sum(b[1] for b in self._buckets), "accepts": sum(b[2] for b in self._buckets)}

    @property
    def rejection(self) -> float:
        """The probability with which a request is held back now."""
        self._now_bucket()
        return self._chance()

    def _chance(self) -> float:
        requests = accepts = 0
        for _, asked, accepted in self._buckets:
            requests += asked
            accepts += accepted
        return max(0.0, (requests - self._k * accepts) / (requests + 1))

    def _enter(self) -> None:
        bucket = self._now_bucket()
        rejection = self._chance()
        bucket[1] += 1  # also what is held back is a request: else nobody would stop
        if rejection and self._random.random() < rejection:
            raise Throttled(f"Held back: {rejection:.0%} of requests are, because the server refuses too many.")

    def _leave(self, entry: None, error: BaseException | None) -> None:
        if not (isinstance(error, Exception) and matches(error, self._refusals)):
            self._now_bucket()[2] += 1

    def _now_bucket(self) -> list[int]:
        number = int(now_s() / self._bucket_s)
        if number > self._buckets[-1][0]:
            self._buckets.append([number, 0, 0])
        while self._buckets[0][0] <= number - (self._buckets.maxlen or 0):
            self._buckets.popleft()
        return self._buckets[-1]
