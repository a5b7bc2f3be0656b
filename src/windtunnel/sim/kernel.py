"""The tunnel's heart: a virtual clock, one heap, and light processes stepped by our own loop.

A process is a coroutine. It waits by yielding either a whole number of nanoseconds (a sleep: the commonest wait, so it
costs no object) or a `Signal`. Time moves only when nothing is left to do now. Ties break in the order in which things
were scheduled, so a run is a function of its seed.

Why tickets: every wait of a process gets a fresh ticket, and whoever would wake it (a heap entry, a signal) remembers
the ticket. A wait that ended otherwise (cancelled, timed out) just leaves a stale ticket behind. That makes each sleep
cancellable without an object for each, and a wait with a time limit two entries with one ticket.

Why the top of the heap stays there during a step: everything scheduled meanwhile has a later time or a later number,
so the entry being served is still the smallest, and a process that sleeps again is put back with one `heapreplace`.
"""

from __future__ import annotations

import sys
import types
from asyncio import CancelledError
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from functools import wraps
from heapq import heappop, heappush, heapreplace
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, Protocol, TypeVar, cast

from windtunnel.sim.randomness import stream
from windtunnel.sim.trace import Trace

if TYPE_CHECKING:
    from windtunnel.sim.host import Host

T = TypeVar("T")
P = ParamSpec("P")
NS: Final = 1_000_000_000
"""Nanoseconds in a second."""


def ns(seconds: float) -> int:
    """Seconds as whole nanoseconds, the unit of the clock."""
    return round(seconds * NS)


class Deadlock(RuntimeError):  # noqa: N818  (the field's word)
    """Nothing can happen any more, and somebody still waits. The message names who waits for what."""


class Crashed(ConnectionError):  # noqa: N818  (what happened to the host, not to the caller)
    """What was waited for died with its host."""


class Runnable(Protocol):
    """Whatever else stands in the heap: timers, handles of asyncio loops."""

    def _run(self) -> Any: ...


class CallbackLoop(Protocol):
    """The part of an asyncio loop that a signal needs to wake its tasks."""

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> object: ...


class Signal(Generic[T]):
    """Something that happens once, with a value or an exception; processes and asyncio tasks can await it.

    asyncio takes any object for a future that has ``_asyncio_future_blocking`` and ``add_done_callback``; that is how
    a task on a simulated host waits for the tunnel without a future between.
    """

    __slots__ = ("_asyncio_future_blocking", "_done", "_error", "_value", "_waiters", "name", "sim")

    def __init__(self, sim: Simulator, name: str = "") -> None:
        self.sim = sim
        self.name = name
        self._done = False
        self._value: T | None = None
        self._error: BaseException | None = None
        self._waiters: list[tuple[Any, Any, Context | None]] | None = None
        self._asyncio_future_blocking = False

    def done(self) -> bool:
        """Whether it has happened."""
        return self._done

    def result(self) -> T:
        """The value; raises the exception that it ended with, or RuntimeError where it has not happened yet."""
        if not self._done:
            raise RuntimeError(f"{self.describe()} has not happened yet; await it")
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
            if who.__class__ is Process:
                ready.append((who, ticket, None))
            elif ticket is None:
                ready.append((Timer(who, (self,)), 0, None))
            else:
                ticket.call_soon(who, self, context=context)

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        """Call back when it has happened; on an asyncio host through that host's loop."""
        loop: CallbackLoop | None = self.sim._loop
        if not self._done:
            if self._waiters is None:
                self._waiters = []
            self._waiters.append((callback, loop, context))
        elif loop is None:
            self.sim._ready.append((Timer(callback, (self,)), 0, None))
        else:
            loop.call_soon(callback, self, context=context)

    def remove_done_callback(self, callback: Callable[[Any], object]) -> int:
        """Take every registration of this callback back; returns how many there were."""
        before = self._waiters or []
        self._waiters = [w for w in before if w[0] != callback]
        return len(before) - len(self._waiters)

    def get_loop(self) -> Any:
        """The loop that asks: a signal belongs to the tunnel, so to all of them."""
        return self.sim._loop

    def cancel(self, msg: object = None) -> bool:
        """A waiting task was cancelled. The signal itself goes on: others may wait for it."""
        return False

    def __await__(self) -> Generator[Any, None, T]:
        if not self._done:
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    @types.coroutine
    def within(self, seconds: float) -> Generator[Any, None, bool]:
        """Wait at most ``seconds``; True where it has happened by then. The waiter goes on, the signal stays."""
        if not self._done:
            sim = self.sim
            if sim._loop is None:
                yield (self, ns(seconds))
            else:
                either: Signal[None] = Signal(sim, self.name)
                timer = sim.call_after(ns(seconds), either.set)
                self.add_done_callback(either.set)
                either._asyncio_future_blocking = True
                yield either
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
        # Written out instead of calling Signal's: a process a request is the commonest thing made here.
        self.sim = sim
        self.name = name
        self._done = False
        self._value = None
        self._error = None
        self._waiters = None
        self._asyncio_future_blocking = False
        self._coro = coro
        self._ticket = 0
        self._waits_for: Signal[Any] | None = None
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
        if not self._done:
            self._ticket = ticket = next(self.sim._numbers)
            self.sim._ready.append((self, ticket, error))

    def kill(self, error: BaseException | None = None) -> None:
        """Stop it dead: not another line of it runs, no ``finally`` either, as when the power fails."""
        if not self._done:
            self._ticket = -1
            self.sim._graveyard.append(self._coro)
            self.sim._live.pop(self, None)
            self.fail(error or Crashed(f"{self.describe()} was killed"))


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


class _Stop(BaseException):
    """Leaves the loop from inside a callback."""


class Simulator:
    """One virtual clock, one heap, one seed. Times are whole nanoseconds inside, seconds where people write them.

    Args:
        seed: decides all luck; the same seed gives the same bytes.
        trace: takes a record of what happens; None (the default) costs nothing.
    """

    def __init__(self, seed: int = 0, trace: Trace | None = None) -> None:
        self.seed = seed
        self.trace = trace
        self.now_ns = 0
        self.steps = 0
        """Steps taken so far by finished calls of `run`."""
        self._heap: list[tuple[int, int, Any]] = []
        self._ready: deque[tuple[Any, int, BaseException | None]] = deque()
        self._numbers = count(1)
        self._live: dict[Process[Any], None] = {}
        self._graveyard: list[Any] = []
        self._streams: dict[str, Random] = {}
        self._current: Process[Any] | None = None
        self._loop: Any = None
        """The asyncio loop of the host whose handle is running; None while light processes run."""

    # --- time and luck -------------------------------------------------------------------------------------------
    @property
    def now(self) -> float:
        """Seconds since the start."""
        return self.now_ns / NS

    def random(self, name: str) -> Random:
        """The component's own stream of luck: always the same generator for the same name."""
        found = self._streams.get(name)
        if found is None:
            found = self._streams[name] = stream(self.seed, name)
        return found

    # --- waiting -------------------------------------------------------------------------------------------------
    @types.coroutine
    def sleep(self, seconds: float) -> Generator[Any, None, None]:
        """Let virtual time pass; from a light process and from an asyncio task alike."""
        if self._loop is None:
            yield (seconds * 1_000_000_000).__round__()
        else:
            yield from self._pause_task(round(seconds * 1_000_000_000))

    @types.coroutine
    def sleep_ns(self, nanoseconds: int) -> Generator[Any, None, None]:
        """`sleep`, in whole nanoseconds."""
        if self._loop is None:
            yield nanoseconds
        else:
            yield from self._pause_task(nanoseconds)

    def _pause_task(self, nanoseconds: int) -> Generator[Any, None, None]:
        over: Signal[None] = Signal(self, "a sleep")
        self.call_after(nanoseconds, over.set)
        over._asyncio_future_blocking = True
        yield over

    def signal(self, name: str = "") -> Signal[Any]:
        """Something to be awaited that has not happened yet."""
        return Signal(self, name)

    # --- scheduling ----------------------------------------------------------------------------------------------
    def spawn(
        self,
        coro: Coroutine[Any, Any, T],
        name: str = "",
        *,
        host: Host | None = None,
        daemon: bool = False,
        request: int | None = None,
    ) -> Process[T]:
        """Start a light process now. It inherits the request that it works for, and the host, from who spawns it.

        Args:
            daemon: may wait for ever without being a deadlock (servers do).
            request: the id of the request whose luck it uses (-1: none).
        """
        current = self._current
        if current is not None:
            if host is None:
                host = current.host
            if request is None:
                request = current.request
        process = Process(self, coro, name, host, daemon, -1 if request is None else request)
        process._ticket = ticket = next(self._numbers)
        self._live[process] = None
        if host is not None:
            host._processes[process] = None
        self._ready.append((process, ticket, None))
        return process

    def call_at(self, when_ns: int, call: Callable[..., object], *args: Any) -> Timer:
        """Make a call at a moment of virtual time."""
        if when_ns < self.now_ns:
            raise ValueError(f"{when_ns} ns has passed: it is {self.now_ns} ns; times only go forward")
        timer = Timer(call, args)
        heappush(self._heap, (when_ns, next(self._numbers), timer))
        return timer

    def call_after(self, delay_ns: int, call: Callable[..., object], *args: Any) -> Timer:
        """Make a call ``delay_ns`` from now."""
        return self.call_at(self.now_ns + delay_ns, call, *args)

    def push(self, when_ns: int, thing: Runnable) -> None:
        """Put something with a ``_run`` method into the heap: handles of asyncio loops come in here."""
        heappush(self._heap, (when_ns, next(self._numbers), thing))

    def push_now(self, thing: Runnable) -> None:
        """As `push`, for this very moment, after what is ready already."""
        self._ready.append((thing, 0, None))

    # --- running -------------------------------------------------------------------------------------------------
    def run(self, until: float | None = None) -> None:
        """Run until nothing is left to do, or until second ``until``.

        Raises:
            Deadlock: nothing can happen any more, and a process that is no daemon still waits.
            Exception: whatever a process raised that nobody awaited.
        """
        limit = sys.maxsize if until is None else ns(until)
        if limit < self.now_ns:
            raise ValueError(f"second {until} has passed: it is second {self.now}; times only go forward")
        self._run(limit)
        if until is not None:
            self.now_ns = limit
        else:
            self._raise_deadlock()

    def run_until(self, signal: Signal[T]) -> T:
        """Run until the signal has happened, and return its value. Raises Deadlock where it never will."""
        if not signal.done():
            waiter = (_stop, None, None)
            if signal._waiters is None:
                signal._waiters = []
            signal._waiters.append(waiter)
            if not self._run(sys.maxsize):
                self._raise_deadlock(signal)
        return signal.result()

    def run_process(self, coro: Coroutine[Any, Any, T], name: str = "main", *, host: Host | None = None) -> T:
        """Start a process and run until it ends; its result."""
        return self.run_until(self.spawn(coro, name, host=host))

    def _run(self, limit: int) -> bool:
        """The loop. True where `_stop` ended it, False where nothing was left (before the limit)."""
        heap, ready, fresh, process_class = self._heap, self._ready, self._numbers.__next__, Process
        steps = 0
        process: Any
        try:
            while True:
                if ready:
                    process, number, error = ready.popleft()
                    if type(process) is not process_class:
                        process._run()
                        continue
                    if process._ticket != number:
                        continue
                    steps += 1
                    self._current = process
                    try:
                        command = process._coro.send(None) if error is None else process._coro.throw(error)
                    except StopIteration as stop:
                        self._end(process, stop.value, None)
                    except _Stop:
                        raise
                    except BaseException as raised:
                        self._end(process, None, raised)
                    else:
                        process._ticket = number = fresh()
                        if type(command) is int and command >= 0:
                            heappush(heap, (self.now_ns + command, number, process))
                        else:
                            self._wait(process, number, command)
                    continue
                if not heap:
                    return False
                when, number, process = heap[0]
                if type(process) is not process_class:
                    if when > limit:
                        return False
                    heappop(heap)
                    self.now_ns = when
                    process._run()
                    continue
                if process._ticket != number:
                    heappop(heap)
                    continue
                if when > limit:
                    return False
                self.now_ns = when
                steps += 1
                self._current = process
                try:
                    command = process._coro.send(None)
                except StopIteration as stop:
                    heappop(heap)
                    self._end(process, stop.value, None)
                except _Stop:
                    raise
                except BaseException as raised:
                    heappop(heap)
                    self._end(process, None, raised)
                else:
                    process._ticket = number = fresh()
                    if type(command) is int and command >= 0:
                        heapreplace(heap, (when + command, number, process))
                    else:
                        heappop(heap)
                        self._wait(process, number, command)
        except _Stop:
            return True
        finally:
            self._current = None
            self.steps += steps

    def _wait(self, process: Process[Any], ticket: int, command: Any) -> None:
        """The process yielded something other than a sleep: a signal, a signal with a limit, or an asyncio future."""
        limit = None
        if command.__class__ is tuple:
            command, limit = command
            heappush(self._heap, (self.now_ns + limit, ticket, process))
        if isinstance(command, Signal):
            process._waits_for = command
            if command._waiters is None:
                command._waiters = []
            command._waiters.append((process, ticket, None))
        elif hasattr(command, "_asyncio_future_blocking"):
            # A real asyncio future or task: its loop calls back, and the process is stepped in its turn.
            command._asyncio_future_blocking = False
            command.add_done_callback(lambda _: self._ready.append((process, ticket, None)))
        elif isinstance(command, int):
            process.throw(ValueError(f"a sleep of {command} ns would turn the clock back; times only go forward"))
        else:
            process.throw(
                TypeError(f"a light process awaited {command!r}; it can await sleeps, signals, processes and futures")
            )

    def _end(self, process: Process[Any], value: Any, error: BaseException | None) -> None:
        self._current = None
        self._live.pop(process, None)
        if process.host is not None:
            process.host._processes.pop(process, None)
        if error is None:
            if not process._done:
                process._done = True
                process._value = value
                if process._waiters:
                    process._wake()
        elif isinstance(error, CancelledError) or process._waiters:
            process.fail(error)
        else:
            process.fail(error)
            error.add_note(f"in process {process.describe()} at {self.now:.9f} s of virtual time; nobody awaited it")
            raise error

    def _raise_deadlock(self, wanted: Signal[Any] | None = None) -> None:
        stuck = [p for p in self._live if not p.daemon]
        if not stuck and wanted is None:
            return
        lines = [
            f"{p.describe()} waits for {p._waits_for.describe() if p._waits_for is not None else 'nothing known'}"
            for p in stuck[:20]
        ]
        if len(stuck) > 20:
            lines.append(f"and {len(stuck) - 20} more")
        if wanted is not None and not lines:
            lines.append(f"nobody is left who could cause {wanted.describe()}")
        raise Deadlock(f"deadlock at {self.now:.9f} s: " + "; ".join(lines))

    def close(self) -> None:
        """Let go of every process that still waits, without running a line of it in virtual time."""
        self._heap.clear()
        self._ready.clear()
        for process in list(self._live):
            process._ticket = -1
            process._coro.close()
        self._live.clear()
        for coro in self._graveyard:
            coro.close()
        self._graveyard.clear()


def _stop(_: Signal[Any]) -> None:
    raise _Stop


def process(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Process[T]]:
    """Decorate an ``async def`` method of an object with a ``sim``: calling it starts a light process.

    A design's method so marked costs a fraction of an asyncio task; it may await what the tunnel offers, not asyncio.
    """

    @wraps(function)
    def start(*args: P.args, **kwargs: P.kwargs) -> Process[T]:
        sim = cast(Simulator, args[0].sim)  # type: ignore[attr-defined]  # the protocol is the attribute
        return sim.spawn(function(*args, **kwargs), function.__name__)

    return start
