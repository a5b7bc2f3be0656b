"""Deadlines that travel with the work: the time by which an answer is of use, known to everything on the way.

A timeout that each layer sets for itself adds up, and a server that does not know the client has given up goes on
working for nobody; that is what keeps a metastable failure alive (Bronson et al., *Metastable Failures in Distributed
Systems*, HotOS 2021). A deadline is one point in time, carried in a context variable: tasks that are started inside
inherit it (and obey it wherever they set one of their own, be it `None`), inner deadlines can only be earlier, and
`grpc_timeout` hands the rest of it to the next process (gRPC sends the time that is left, not the hour, because
clocks differ).

>>> async with Deadline(0.5):             # doctest: +SKIP
...     await ask()                       # DeadlineExceeded after half a second, wherever it is then
...
>>> @Deadline(0.5)                        # doctest: +SKIP
... async def ask() -> None: ...

Time is the running loop's `time()`, here and in all blocks of this family, so that they run in virtual time as well.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any, NamedTuple

from windtunnel.blocks.resilience.guard import Guard, P, T, awaited


class _Held(NamedTuple):
    """A deadline, and the task that it ends."""

    at: float
    task: asyncio.Task[Any] | None


_held: ContextVar[_Held | None] = ContextVar("deadline", default=None)

GRPC_UNITS_S = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


class DeadlineExceeded(TimeoutError):
    """The deadline has passed. Whether the work was done is unknown."""


def now_s() -> float:
    """The running loop's clock; outside of a loop the monotonic clock, which is what asyncio's own loops use."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return time.monotonic()


def remaining_s() -> float | None:
    """Seconds until the deadline that holds here, at least 0; `None` where none does."""
    held = _held.get()
    return None if held is None else max(0.0, held.at - now_s())


def check_deadline() -> None:
    """Raise `DeadlineExceeded` if the deadline has passed: to be called before work that nobody may want."""
    if remaining_s() == 0.0:
        raise DeadlineExceeded("The deadline has passed.")


def grpc_timeout() -> str | None:
    """The time that is left, as gRPC's `grpc-timeout` header has it (at most eight digits and a unit)."""
    left = remaining_s()
    if left is None or left == math.inf:
        return None
    microseconds = int(left * 1e6)
    if microseconds < 10**8:
        return f"{microseconds}u"
    return f"{microseconds // 1000}m" if microseconds < 10**11 else f"{min(microseconds // 10**6, 10**8 - 1)}S"


class Deadline(Guard):
    """Everything inside must end within `timeout_s`, or by the deadline that holds already, if that is earlier.

    As `async with` or as a decorator, where each call gets its own. What runs when time is up is cancelled, and
    `DeadlineExceeded` is raised. `None` sets no deadline of its own, nor does infinity. For tasks of one loop; not to
    be entered twice at a time (as a decorator it may).

    Not around a `yield`: between two items the reader's code runs under the deadline, too, and may be cancelled by it
    (of the same task, and of the same context). Take `Deadline` around the reading of each item, or of all.
    """

    _plain = False

    def __init__(self, timeout_s: float | None) -> None:
        if timeout_s is not None and not timeout_s >= 0:
            raise ValueError(f"timeout_s must be 0 or more; got {timeout_s}.")
        self._timeout_s = None if timeout_s == math.inf else timeout_s
        self._timer: asyncio.Timeout | None = None

    @classmethod
    def from_grpc(cls, header: str | None) -> Deadline:
        """The deadline that a caller sent in `grpc-timeout`; none where the header is absent."""
        if header is None:
            return cls(None)
        digits, unit = header[:-1], header[-1:]
        if unit not in GRPC_UNITS_S or not digits.isascii() or not digits.isdigit() or len(digits) > 8:
            raise ValueError(f"A grpc-timeout must be one to eight digits and one of H M S m u n; got {header!r}.")
        return cls(int(digits) * GRPC_UNITS_S[unit])

    def _told(self) -> dict[str, object]:
        return {"timeout_s": self._timeout_s}

    async def __aenter__(self) -> Deadline:
        outer, task = _held.get(), asyncio.current_task()
        at = None if self._timeout_s is None else now_s() + self._timeout_s
        self._own = outer is None or (at is not None and at < outer.at)
        if not self._own:
            assert outer is not None
            at = outer.at
        if at is None or (not self._own and outer is not None and outer.task is task):
            self._token = _held.set(outer)  # the timer that runs already will do
            self._timer = None
        else:
            self._token = _held.set(_Held(at, task))
            self._timer = asyncio.timeout_at(at)
            await self._timer.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(ValueError):  # a generator that was abandoned is closed in another context, which has no deadline
            _held.reset(self._token)
        if self._timer is None:
            return
        try:
            await self._timer.__aexit__(kind, error, trace)
        except TimeoutError as timeout:
            why = f"No answer within {self._timeout_s} s." if self._own else "The deadline has passed."
            raise DeadlineExceeded(why) from timeout

    async def call(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """`await function(*args, **kwargs)`, each call with a deadline of its own."""
        async with Deadline(self._timeout_s):
            return await awaited(function, *args, **kwargs)
