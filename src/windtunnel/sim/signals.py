"""What can be waited for in the tunnel: signals, light processes, calls at a moment of virtual time.

Whoever waits is known by itself and a ticket. Every wait of a process or task gets a fresh ticket, and whoever would
wake it (a heap entry, a signal) remembers the ticket. A wait that ended otherwise (cancelled, timed out) just leaves a
stale ticket behind. That makes each sleep cancellable without an object for each, and a wait with a time limit two
entries with one ticket.
"""

from __future__ import annotations

import types
from asyncio import CancelledError
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from math import inf
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from windtunnel.sim.tier import lend, native

if TYPE_CHECKING:
    from windtunnel.sim.host import Host
    from windtunnel.sim.kernel import Simulator

T = TypeVar("T")
NS: Final = 1_000_000_000
"""Nanoseconds in a second."""
NEVER: Final = 1 << 62
"""A moment after every run's end, in nanoseconds (146 years)."""
NEVER_NS: Final = 1 << 1100
"""Later than any time that a float can say, in nanoseconds."""


def ns(seconds: float) -> int:
    """Seconds as whole nanoseconds, the unit of the clock."""
    return round(seconds * NS)


class Deadlock(RuntimeError):
    """Nothing can happen any more, and somebody still waits. The message names who waits for what."""


class Crashed(ConnectionError):
    """What was waited for died with its host."""


class CallbackLoop(Protocol):
    """The part of an asyncio loop that a signal needs to wake its tasks."""

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> object: ...


class Signal(Generic[T]):
    """Something that happens once, with a value or an exception; processes and asyncio tasks can await it.

    A signal belongs to nobody: whoever is cancelled while waiting leaves it as it is. To asyncio it is therefore an
    awaitable and no future; `asyncio.wait_for`, `gather` and the like wrap it in a task, and cancel that.
    """

    __slots__ = ("_done", "_error", "_value", "_waiters", "name", "sim")

    def __init__(self, sim: Simulator, name: str = "") -> None:
        self.sim = sim
        self.name = name
        self._done = False
        self._value: T | None = None
        self._error: BaseException | None = None
        self._waiters: list[tuple[Any, Any, Context | None]] | None = None

    _asyncio_future_blocking = property(lambda self: None, lambda self, value: None)
    """None is asyncio's mark of what is no future."""

    def done(self) -> bool:
        """Whether it has happened."""
        return self._done

    def result(self) -> T:
        """The value; raises the exception that it ended with, or RuntimeError where it has not happened yet."""
        if not self._done:
            raise RuntimeError(f"{self.describe()} has not happened yet; await it.")
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # None only where T admits it

    def exception(self) -> BaseException | None:
        """The exception that it ended with, if any."""
        return self._error

    def set(self, value: T | None = None) -> None:
        """Let it happen now, with a value. A second time is ignored: the first answer counts."""
        if not self._done:
            self._done = True
            self._value = value
            if self._waiters:
                self._wake()

    def fail(self, error: BaseException) -> None:
        """Let it happen now, as an exception for whoever waits."""
        if not self._done:
            self._done = True
            self._error = error
            if self._waiters:
                self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, None
        ready = self.sim._ready
        for who, ticket, context in waiters or ():
            if ticket.__class__ is int:
                ready.append((who, ticket, None))
            elif ticket is None:
                ready.append((Timer(who, (self,)), 0, None))
            else:
                ticket.call_soon(who, self, context=context)

    def _add_waiter(self, who: Any, ticket: Any, context: Context | None = None) -> None:
        """A process or task with its ticket (a whole number), or a callback with its loop (None: the kernel's)."""
        waiters = self._waiters
        if waiters is None:
            self._waiters = [(who, ticket, context)]
            return
        waiters.append((who, ticket, context))
        size = len(waiters)
        if size > 32 and not size & (size - 1):  # at 64, 128, ...: let go of those who gave up waiting
            waiters[:] = [w for w in waiters if w[1].__class__ is not int or w[0]._ticket == w[1]]

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        """Call back when it has happened; on an asyncio host through that host's loop."""
        loop: CallbackLoop | None = self.sim._loop
        if not self._done:
            self._add_waiter(callback, loop, context)
        elif loop is None:
            self.sim._ready.append((Timer(callback, (self,)), 0, None))
        else:
            loop.call_soon(callback, self, context=context)

    def remove_done_callback(self, callback: Callable[[Any], object]) -> int:
        """Take every registration of this callback back; returns how many there were."""
        before = self._waiters or []
        self._waiters = [w for w in before if w[0] != callback]
        return len(before) - len(self._waiters)

    def cancel(self, msg: object = None) -> bool:
        """Nobody can cancel what happens; False, as asyncio says it."""
        return False

    def __await__(self) -> Generator[Any, None, T]:
        if not self._done:
            sim = self.sim
            if sim._current is not None or sim._loop is None:
                yield self
            else:
                yield from self._as_future()
        return self.result()

    def _as_future(self) -> Generator[Any, None, None]:
        """A task that the kernel does not step waits: one made by `asyncio.Task(...)` itself, as aiohttp does."""
        future = self.sim._loop.create_future()
        self.add_done_callback(lambda _: None if future.done() else future.set_result(None))
        yield from future

    @types.coroutine
    def within(self, seconds: float) -> Generator[Any, None, bool]:
        """Wait at most `seconds`; True where it has happened by then. The waiter goes on, the signal stays.

        A limit below 0, as of a deadline that has passed, is 0.
        """
        if not self._done:
            sim = self.sim
            limit = NEVER_NS if seconds == inf else max(0, ns(seconds))
            if sim.trace is not None:
                sim.trace.waits(self, sim.now_ns + limit)
            if sim._current is not None:
                yield self if limit == NEVER_NS else (self, limit)
            elif limit == NEVER_NS:
                yield from self._as_future()
            else:
                either: Signal[None] = Signal(sim, self.name)
                timer = sim.call_after(limit, either.set)
                self.add_done_callback(either.set)
                yield from either._as_future()
                timer.cancel()
        return self._done

    def describe(self) -> str:
        """What it is, for messages."""
        return self.name or f"an unnamed {type(self).__name__.lower()}"

    def __repr__(self) -> str:
        state = "waiting" if not self._done else "failed" if self._error is not None else "done"
        return f"<{type(self).__name__} {self.describe()} {state}>"


class Process(Signal[T]):
    """A light process: a coroutine that the kernel steps. Await it for its result."""

    __slots__ = ("_coro", "_ticket", "_waits_for", "daemon", "host", "request")

    def __init__(
        self, sim: Simulator, coro: Coroutine[Any, Any, T], name: str, host: Host | None, daemon: bool, request: int
    ) -> None:
        # Signal's fields, written out: a process a request is the commonest thing made here.
        self.sim = sim
        self.name = name
        self._done = False
        self._value = None
        self._error = None
        self._waiters = None
        self._coro: Coroutine[Any, Any, T] | _Corpse = coro
        self._ticket = 0
        self._waits_for: Any = None
        self.host = host
        self.daemon = daemon
        self.request = request

    def describe(self) -> str:
        return self.name or getattr(self._coro, "__qualname__", "process")

    def cancel(self, msg: object = None) -> bool:
        """Raise CancelledError in the process where it waits; False if it has ended."""
        if self._done:
            return False
        self.throw(CancelledError() if msg is None else CancelledError(msg))
        return True

    def throw(self, error: BaseException) -> None:
        """Raise an exception in the process where it waits, at this moment of virtual time."""
        if self._done:
            return
        if self.sim._current is self:  # at its next wait
            self.sim._ready.append((Timer(self.throw, (error,)), 0, None))
        else:
            self._ticket = ticket = next(self.sim._numbers)
            self.sim._ready.append((self, ticket, error))

    def kill(self, error: BaseException | None = None) -> None:
        """Stop it dead: not another line of it runs, no `finally` either, as when the power fails.

        A process that kills itself runs on to its next wait, and never returns from there.
        """
        if not self._done:
            self._ticket = -1
            self.name = self.describe()
            self.sim._graveyard.append(self._coro)
            self._coro = _Corpse(self.sim)
            self.sim._live.pop(self, None)
            if self.host is not None:
                self.host._processes.pop(self, None)
            self.fail(error or Crashed(f"{self.describe()} was killed."))


class _Corpse:
    """Stands where the coroutine of a killed process was, should it be at its own wait when it is killed."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim

    def send(self, _: None) -> Signal[None]:
        return Signal(self.sim, "nothing: it was killed")

    def throw(self, error: BaseException) -> Signal[None]:
        return self.send(None)


class Timer:
    """A call at a moment of virtual time; can be cancelled until it is made."""

    __slots__ = ("_args", "_call")

    def __init__(self, call: Callable[..., object], args: tuple[Any, ...]) -> None:
        self._call: Callable[..., object] | None = call
        self._args = args

    def cancel(self) -> None:
        """Do not make the call; cancelling twice, or too late, is harmless."""
        self._call = None
        self._args = ()

    def cancelled(self) -> bool:
        """Whether the call was cancelled or has been made."""
        return self._call is None

    def _run(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call(*self._args)


if not TYPE_CHECKING and native is not None:
    native.Signal._within = Signal.within
    Signal = lend(native.Signal, Signal, "remove_done_callback", "cancel", "_as_future", "describe", "__repr__")
    Process = lend(native.Process, Process, "describe", "cancel", "throw", "kill")
    Timer = native.Timer


class Frozen(Process[T]):
    """A process whose host is paused: the kernel lays its turns aside instead of stepping it.

    A process gets this class for the time of the pause, so that nobody pays for a check while nothing is paused.
    """

    __slots__ = ()


class Arrival:
    """Base of what travels on the network and stands in the heap: its `_run` calls no code of programs.

    It has no `due_ns`: nothing takes it back.
    """

    __slots__ = ()
