"""Bulkhead: no dependency may hold more than its share of the caller, so that one that hangs cannot sink the others.

Ten workers and two dependencies: when one goes from 20 ms to 30 s, it soon holds all ten, and calls to the healthy one
wait for ever (Nygard, *Release It!*, 2007). With a bulkhead of five it holds five. In Hystrix this is the pool or
semaphore of each command; here it is a count of calls in progress and a short queue in front of it.

>>> bulkhead = Bulkhead(5, queue_limit=10, wait_s=0.1)
>>> async with bulkhead:                  # doctest: +SKIP
...     await ask()
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from windtunnel.blocks.ground.errors import Refused
from windtunnel.blocks.resilience.guard import Guard


class BulkheadFull(Refused):
    """The call was not made: the bulkhead and its queue are full, or the wait took too long."""

    this_call_only = True


class Bulkhead(Guard):
    """At most `limit` calls at a time; up to `queue_limit` more wait their turn, first come first served.

    `wait_s` bounds the wait in the queue (`None`: no bound of its own); in its plain form nobody waits. `on_reject` is
    told of each refusal. For tasks of one loop, or for threads in its plain form.
    """

    def __init__(
        self,
        limit: int,
        *,
        queue_limit: int = 0,
        wait_s: float | None = None,
        on_reject: Callable[[Refused], object] | None = None,
    ) -> None:
        if limit < 1 or queue_limit < 0 or (wait_s is not None and not wait_s >= 0):
            raise ValueError("limit must be at least 1, queue_limit and wait_s not negative.")
        self.limit = limit
        self.in_flight = 0
        self._queue_limit = queue_limit
        self._wait_s = wait_s
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._on_reject = on_reject

    def _told(self) -> dict[str, object]:
        return {"limit": self.limit, "in_flight": self.in_flight, "waiting": self.waiting}

    @property
    def waiting(self) -> int:
        """Calls in the queue."""
        return len(self._waiting)

    def _enter(self) -> None:
        if self.in_flight >= self.limit:
            raise BulkheadFull(f"{self.limit} calls are in progress.")
        self.in_flight += 1

    async def _enter_waiting(self) -> None:
        if self.in_flight < self.limit:
            self.in_flight += 1
            return
        if self.waiting >= self._queue_limit:
            raise BulkheadFull(f"{self.limit} calls are in progress and {self._queue_limit} are waiting.")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._wait_s):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._pass_on()  # the turn came together with the end of patience: pass it on
            else:
                with suppress(ValueError):  # whoever left in the same instant has passed over it
                    self._waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise BulkheadFull(f"Waited {self._wait_s} s for one of {self.limit} calls to end.") from None
            raise

    def _leave(self, entry: None, error: BaseException | None) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        """Hand the place to the next in line, or give it back."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.in_flight -= 1
