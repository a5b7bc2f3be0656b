"""Circuit breaker: stop asking a dependency that fails, and find out with one call at a time whether it is back.

It protects the caller (threads, connections, time) more than the dependency (Nygard, *Release It!*, 2007). Closed, it
counts outcomes in a rolling window; once there were enough calls and the error *rate* is too high it opens, and calls
fail at once; after a sleep window it is half-open and lets exactly one probe through, whose outcome decides. A count of
consecutive failures would do neither: one lucky success resets it, and at low traffic three bad calls open it. The
defaults are those of Netflix's Hystrix: 10 s in 10 buckets, 20 calls, 50 %, 5 s.

>>> breaker = CircuitBreaker(failures=ConnectionError)
>>> @breaker                              # doctest: +SKIP
... async def ask() -> str: ...
>>> await breaker.call(ask)               # doctest: +SKIP
>>> async with breaker:                   # doctest: +SKIP
...     await ask()

Use one breaker for each host, not for each service: if one of ten shards is down, 10 % of errors open nothing, and a
lower threshold makes 100 % out of 10 %.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.errors import Refused
from windtunnel.blocks.ground.hooks import tell
from windtunnel.blocks.resilience.deadline import now_s
from windtunnel.blocks.resilience.guard import Guard, P, T, awaited
from windtunnel.blocks.resilience.retry import Which, matches


class State(Enum):
    """`HALF_OPEN` from the moment that the probe is let through until its outcome is known."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


CLOSED, OPEN, HALF_OPEN = State  # the enumeration's own attributes take longer to look up


class CircuitOpen(Refused):
    """The call was not made. `retry_after_s`: when one may be let through again."""

    this_call_only = True

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"The circuit is open; try again in {retry_after_s:.3g} s.")
        self.retry_after_s = retry_after_s


def check_settings(
    window_s: float,
    buckets: int,
    volume_threshold: int,
    error_rate: float,
    sleep_window_s: float,
    probe_s: float | None,
) -> None:
    """Raise `ValueError` for what makes no breaker."""
    if not window_s > 0 or buckets < 1 or volume_threshold < 1 or not sleep_window_s >= 0:
        raise ValueError("window_s, buckets and volume_threshold must be positive, sleep_window_s not negative.")
    if not 0 < error_rate <= 1:
        raise ValueError(f"error_rate must be above 0 and at most 1; got {error_rate}.")
    if probe_s is not None and not probe_s > 0:
        raise ValueError(f"probe_s must be positive; got {probe_s}.")


class RollingCounts(Block):
    """Calls and failures of the last `buckets` spans of `bucket_s`, the present one included."""

    def __init__(self, buckets: int, bucket_s: float) -> None:
        self._bucket_s = bucket_s
        self._totals = [0] * buckets
        self._failures = [0] * buckets
        self._newest = 0
        self._at = 0
        self.total = 0
        self.failed = 0

    def _told(self) -> dict[str, object]:
        return {"buckets": len(self._totals), "of_s": self._bucket_s, "failed": self.failed, "of": self.total}

    def add(self, now: float, failed: bool) -> None:
        """Count one outcome."""
        bucket = int(now / self._bucket_s)
        if bucket > self._newest:
            self._advance(bucket)
        self.total += 1
        self._totals[self._at] += 1
        if failed:
            self.failed += 1
            self._failures[self._at] += 1

    def _advance(self, bucket: int) -> None:
        """Forget the buckets that have left the window."""
        buckets = len(self._totals)
        for passed in range(max(self._newest, bucket - buckets) + 1, bucket + 1):
            at = passed % buckets
            self.total -= self._totals[at]
            self.failed -= self._failures[at]
            self._totals[at] = self._failures[at] = 0
        self._newest, self._at = bucket, bucket % buckets

    def clear(self) -> None:
        """Forget everything."""
        self._totals = [0] * len(self._totals)
        self._failures = [0] * len(self._failures)
        self.total = self.failed = 0


class CircuitBreaker(Guard):
    """Calls go through while at most `error_rate` of those in the last `window_s` failed; see the module.

    `failures` says which errors count against the dependency; others (a caller's mistake) and cancellation count as
    nothing. An outcome counts only in the state in which its call was made: what began before the circuit opened says
    nothing about now. A probe that has told nothing for `probe_s` (as long as the sleep window, unless given) is joined
    by another, and the first of them to end decides: one that hangs keeps nobody out for ever. `on_change(old, new)` is
    told of each change, `on_reject` of each refusal. For tasks of one loop, or for threads in its plain form.
    """

    def __init__(
        self,
        *,
        window_s: float = 10.0,
        buckets: int = 10,
        volume_threshold: int = 20,
        error_rate: float = 0.5,
        sleep_window_s: float = 5.0,
        failures: Which = Exception,
        probe_s: float | None = None,
        on_change: Callable[[State, State], object] | None = None,
        on_reject: Callable[[Refused], object] | None = None,
    ) -> None:
        check_settings(window_s, buckets, volume_threshold, error_rate, sleep_window_s, probe_s)
        self._probe_s = (sleep_window_s or window_s) if probe_s is None else probe_s
        self._on_reject = on_reject
        self._counts = RollingCounts(buckets, window_s / buckets)
        self._volume_threshold = volume_threshold
        self._error_rate = error_rate
        self._sleep_window_s = sleep_window_s
        self._failures = failures
        self._on_change = on_change
        self._state = CLOSED
        self._probe_at = 0.0
        self._epoch = 0  # grows with each change of state

    def _told(self) -> dict[str, object]:
        return {"state": self._state.value, "failed": self._counts.failed, "of": self._counts.total}

    @property
    def state(self) -> State:
        """The state as of the last call; an open circuit becomes half-open when a call comes after its sleep window."""
        return self._state

    async def call(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """`await function(*args, **kwargs)`, or `CircuitOpen`."""
        epoch = self._epoch if self._state is CLOSED else self._admit()
        try:
            result = await awaited(function, *args, **kwargs)
        except BaseException as error:
            self._leave(epoch, error)
            raise
        self._leave(epoch, None)
        return result

    def _enter(self) -> int:
        """Let a call through and return the epoch it belongs to, or raise `CircuitOpen`."""
        if self._state is not CLOSED:
            now = now_s()
            wait_s = self._probe_at - now
            if wait_s > 1e-6:  # who waited as long as he was told is not too early
                raise CircuitOpen(wait_s)
            self._probe_at = now + self._probe_s
            if self._state is OPEN:
                self._change(HALF_OPEN)
        return self._epoch

    def _leave(self, epoch: int, error: BaseException | None) -> None:
        if epoch != self._epoch:
            return
        failed = error is not None
        counted = not failed or (isinstance(error, Exception) and matches(error, self._failures))
        if self._state is HALF_OPEN:
            if not counted:  # the probe told nothing: the next call is a probe again
                self._probe_at = now_s()
                self._change(OPEN)
            elif failed:
                self._open()
            else:
                self._counts.clear()
                self._change(CLOSED)
        elif counted:
            counts = self._counts
            counts.add(now_s(), failed)
            if counts.total >= self._volume_threshold and counts.failed >= self._error_rate * counts.total:
                self._open()

    def _open(self) -> None:
        self._probe_at = now_s() + self._sleep_window_s
        self._change(OPEN)

    def _change(self, new: State) -> None:
        old, self._state = self._state, new
        self._epoch += 1
        tell(self._on_change, old, new)
