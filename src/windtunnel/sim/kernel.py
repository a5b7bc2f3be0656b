"""The tunnel's heart: a virtual clock, one heap, and whatever stands in it stepped by our own loop.

A process is a coroutine. It waits by yielding either a whole number of nanoseconds (a sleep: the commonest wait, so it
costs no object) or a `Signal`. Time moves only when nothing is left to do now. Ties break in the order in which things
were scheduled, so a run is a function of its seed. Tasks of simulated asyncio hosts (`windtunnel.sim.task.Task`) are
stepped by the same lines; before them the kernel makes their host's loop the running one.

Why the top of the heap stays there during a step: everything scheduled meanwhile has a later time or a later number,
so the entry being served is still the smallest, and a process that sleeps again is put back with one `heapreplace`.

Why `_turn` steps a process in three places: light processes, from the heap and from what is ready, go straight through,
and the third place is for tasks. With one place for all, 300,000 sleeps took 0.40 s of CPU instead of 0.32 s.
Why the file is long: what reaches into the loop's own variables stands beside it; a second file would only import them.
"""

from __future__ import annotations

import asyncio
import atexit
import sys
import types
from asyncio import CancelledError, Future, _get_running_loop, _set_running_loop
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterator
from functools import cached_property, partial, wraps
from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from math import inf
from operator import index
from random import Random
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Protocol, TypeVar, cast
from weakref import WeakSet

from windtunnel.sim import sandbox
from windtunnel.sim.clock import Clock
from windtunnel.sim.polling import LIMIT, Polling
from windtunnel.sim.randomness import Luck, derive, stream
from windtunnel.sim.signals import NEVER_NS, NS, Arrival, Crashed, Deadlock, Frozen, Process, Signal, Timer, ns
from windtunnel.sim.task import NO_REQUEST, Handle, Task, bury, current_tasks, pending, request_of_task, whereabouts
from windtunnel.sim.tier import native
from windtunnel.sim.trace import Trace

if TYPE_CHECKING:
    from windtunnel.sim.faults import Faults
    from windtunnel.sim.host import Host
    from windtunnel.sim.loop import HostLoop
    from windtunnel.sim.network import Network

__all__ = ["NS", "Crashed", "Deadlock", "Process", "Runnable", "Signal", "Simulator", "Timer", "ns", "process"]

T = TypeVar("T")
P = ParamSpec("P")
REQUESTS_REMEMBERED: Final = 1 << 16
"""Requests whose luck is kept; the oldest is forgotten first, so that memory is bounded."""

_SLEEP_OVER: Final = vars(asyncio.futures)["_set_result_unless_cancelled"]


_unclosed: WeakSet[Simulator] = WeakSet()


@atexit.register
def _close_all() -> None:
    for sim in list(_unclosed):
        sim.close()


class Runnable(Protocol):
    """Whatever else stands in the heap: timers, arrivals."""

    def _run(self) -> Any: ...


class _Stop(BaseException):
    """Leaves the loop from inside a callback."""


class Simulator:
    """One virtual clock, one heap, one seed. Times are whole nanoseconds inside, seconds where people write them.

    Args:
        seed: decides all luck; the same seed gives the same bytes.
        trace: takes a record of what happens; None (the default) costs nothing.
    """

    # What the compiled tier has kinds of its own for.
    _Heap: Any = list
    _Line: Any = deque
    _Numbers: Any = staticmethod(partial(count, 1))  # bare, it would be bound as a method in Pythons to come

    def __init__(self, seed: int = 0, trace: Trace | None = None) -> None:
        self.seed = seed
        self.trace = trace
        self.now_ns = 0
        self.steps = 0
        """Steps taken so far by finished calls of `run`."""
        self.clock = Clock(self)
        """The true time; what code reads that runs on no host."""
        self.hosts: dict[str, Host] = {}
        self._heap: list[tuple[int, int, Any]] = self._Heap()
        self._ready: deque[tuple[Any, int, BaseException | None]] = self._Line()
        self._numbers: Iterator[int] = self._Numbers()
        self._live: dict[Process[Any], None] = {}
        self._graveyard: list[Any] = []
        self._streams: dict[str, Random] = {}
        self._luck: dict[int, dict[str, Luck]] = {}
        self._luck_keys: dict[str, int] = {}
        self._dead_timers = 0
        self._calls = 0
        """Callbacks and empty sleeps since `_polling` last looked."""
        self._patience = LIMIT
        """After so many it looks again."""
        self._polling = Polling(self, _is_stale)
        self._foreseen: list[Callable[[], int]] = []
        """Ask them up to what moment something goes on of which nobody needs to be told: a run is not over before."""
        self._current: Any = None
        """The process or task that is being stepped; None in callbacks, and in tasks that the kernel does not step."""
        self._loop: Any = None
        """The asyncio loop of the host whose handle is running; None while light processes run."""
        self._open = True
        _unclosed.add(self)

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

    @property
    def request(self) -> int:
        """The id of the request that is being worked for; -1 where there is none."""
        if self._loop is not None:
            return request_of_task.get()
        return NO_REQUEST if self._current is None else cast(int, self._current.request)

    def luck(self, name: str, request: int | None = None) -> Random:
        """This component's stream for a request (the current one), or the component's own where there is no request.

        What a request meets then depends on the seed, the component and the request alone: taking another request away
        leaves it as it was.
        """
        if request is None:
            request = self.request
        if request < 0:
            return self.random(name)
        mine = self._luck.get(request)
        if mine is None:
            if len(self._luck) >= REQUESTS_REMEMBERED:
                del self._luck[next(iter(self._luck))]
            mine = self._luck[request] = {}
        found = mine.get(name)
        if found is None:
            key = self._luck_keys.get(name)
            if key is None:
                key = self._luck_keys[name] = derive(self.seed, name)
            found = mine[name] = Luck(key, request)
        return found

    def redraw(self, seed: int) -> None:
        """From now on all luck is that of another seed: of components, and of requests, those under way included."""
        self.seed = seed
        self._luck.clear()
        self._luck_keys.clear()
        for name, own in self._streams.items():
            own.setstate(stream(seed, name).getstate())

    # --- who runs ------------------------------------------------------------------------------------------------
    @property
    def running(self) -> Any:
        """The process or task that is being stepped; None in callbacks, and in tasks that the kernel does not step."""
        return self._current

    @property
    def here(self) -> Host | None:
        """The host of what runs now; None where it is on none."""
        if self._loop is not None:
            return cast("Host", self._loop.host)
        return cast("Host | None", getattr(self._current, "host", None))

    @property
    def ready(self) -> deque[tuple[Any, int, BaseException | None]]:
        """Who goes on at this moment, in what order. The explorer puts a queue in its place out of which it picks.

        Set it before there are hosts: their loops keep it.
        """
        return self._ready

    @ready.setter
    def ready(self, queue: deque[tuple[Any, int, BaseException | None]]) -> None:
        self._ready = queue

    # --- hosts ---------------------------------------------------------------------------------------------------
    def host(
        self, name: str, *, cores: int = 1, clock_drift_ppm: float = 0.0, clock_skew_s: float = 0.0, **disk: float
    ) -> Host:
        """The host of this name; it is made with these properties where there is none yet.

        Args:
            cores: of its processor.
            clock_drift_ppm: how much too fast its clock runs, in millionths.
            clock_skew_s: how far ahead its clock of the day is at the start.
            disk: arguments of `windtunnel.sim.disk.Disk`.
        """
        from windtunnel.sim.host import Host

        found = self.hosts.get(name)
        if found is None:
            found = self.hosts[name] = Host(
                self, name, cores=cores, clock_drift_ppm=clock_drift_ppm, clock_skew_s=clock_skew_s, disk=disk
            )
        return found

    @cached_property
    def network(self) -> Network:
        """The network that all hosts are on."""
        from windtunnel.sim.network import Network

        return Network(self)

    @cached_property
    def faults(self) -> Faults:
        """Schedules what goes wrong."""
        from windtunnel.sim.faults import Faults

        return Faults(self)

    # --- waiting -------------------------------------------------------------------------------------------------
    @types.coroutine
    def sleep(self, seconds: float) -> Generator[Any, None, None]:
        """Let virtual time pass; from a light process and from an asyncio task alike."""
        if self._current is not None:
            try:
                wait: Any = (seconds * 1_000_000_000).__round__()
            except OverflowError:
                if seconds < 0:
                    raise
                wait = Signal(self, "the end of an endless sleep")
            yield wait
        else:
            yield from self._loop.sleep_future(round(seconds * 1_000_000_000))

    @types.coroutine
    def sleep_ns(self, nanoseconds: int) -> Generator[Any, None, None]:
        """`sleep`, in whole nanoseconds."""
        if self._current is not None:
            yield nanoseconds
        else:
            yield from self._loop.sleep_future(nanoseconds)

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
        if self._loop is not None:
            if host is None:
                host = self._loop.host
            if request is None:
                request = request_of_task.get()
        elif current is not None:
            if host is None:
                host = current.host
            if request is None:
                request = current.request
        process = Process(self, coro, name, host, daemon, NO_REQUEST if request is None else request)
        process._ticket = ticket = next(self._numbers)
        self._live[process] = None
        if host is not None:
            host._adopt(process)
        if self.trace is not None:
            self.trace.record(self.now_ns, "start", process.describe(), "" if host is None else host.name)
        self._ready.append((process, ticket, None))
        return process

    def call_at(self, when_ns: int, call: Callable[..., object], *args: Any) -> Timer:
        """Make a call at a moment of virtual time."""
        if when_ns.__class__ is not int:  # a NumPy integer, say: the clock keeps to Python's
            when_ns = index(when_ns)
        if when_ns < self.now_ns:
            raise ValueError(f"{when_ns} ns has passed: it is {self.now_ns} ns; times only go forward.")
        timer = Timer(call, args)
        heappush(self._heap, (when_ns, next(self._numbers), timer))
        return timer

    def call_after(self, delay_ns: int, call: Callable[..., object], *args: Any) -> Timer:
        """Make a call `delay_ns` from now."""
        return self.call_at(self.now_ns + delay_ns, call, *args)

    def _plan(self, when_ns: int, number: int, thing: Any) -> None:
        heappush(self._heap, (when_ns, number, thing))

    def push(self, when_ns: int, thing: Runnable) -> None:
        """Put something with a `_run` method into the heap: handles of asyncio loops come in here."""
        heappush(self._heap, (when_ns, next(self._numbers), thing))

    def _forget_timer(self) -> None:
        """A timer in the heap was cancelled. When most are, sweep them out: time limits are mostly not reached."""
        self._dead_timers = dead = self._dead_timers + 1
        heap = self._heap
        if dead > 512 and dead * 2 > len(heap):
            self._dead_timers = 0
            # In place, since the loop holds the list; what is being stepped stands on top and stays there. There may
            # be nothing: a cancelled timer that is due already has left.
            heap[1:] = [entry for entry in heap[1:] if not _is_stale(entry)]
            heapify(heap)

    # --- running -------------------------------------------------------------------------------------------------
    def inside(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make a call in the world of this simulation, at its present moment: before it runs, between, or after."""
        if sandbox.current_simulator() is self:
            return call(*args, **kwargs)
        with sandbox.simulation(self):
            return call(*args, **kwargs)

    def run(self, until: float | None = None) -> None:
        """Run until nothing is left to do, or until second `until`.

        Raises:
            Deadlock: nothing can happen any more, and a process that is no daemon still waits.
            Exception: whatever a process raised that nobody awaited.
        """
        if until == inf:
            until = None
        limit = NEVER_NS if until is None else ns(until)
        if limit < self.now_ns:
            raise ValueError(f"Second {until} has passed: it is second {self.now}; times only go forward.")
        self._run(limit)
        if until is not None:
            self.now_ns = limit
        else:
            self.now_ns = max([self.now_ns, *(known_ns() for known_ns in self._foreseen)])
            self._raise_deadlock()

    def run_until(self, wanted: Signal[T] | asyncio.Future[T]) -> T:
        """Run until it has happened, and return its value.

        Raises:
            Deadlock: it never will.
            Crashed: it is a task of a host that crashed.
        """
        sandbox.check_idle(self)
        signal = wanted if isinstance(wanted, Signal) else self._watch(wanted)
        if not signal.done():
            signal._add_waiter(_stop, None)
            if not self._run(NEVER_NS):
                self._raise_deadlock(signal)
        return signal.result()

    def _watch(self, future: asyncio.Future[T]) -> Signal[T]:
        """A future of a host's loop as a signal."""

        async def wait() -> T:
            return await future

        # Not the future's repr: that changes while it runs, and names are what a tape of an exploration is made of.
        what = future.get_name() if isinstance(future, asyncio.Task) else "a future"
        process = Process(self, wait(), f"waiting for {what}", None, True, NO_REQUEST)
        process._ticket = ticket = next(self._numbers)
        process._add_waiter(_nobody, None)  # who runs until then looks at the result
        self._live[process] = None
        self._ready.append((process, ticket, None))
        return process

    def run_process(self, coro: Coroutine[Any, Any, T], name: str = "main", *, host: Host | None = None) -> T:
        """Start a process and run until it ends; its result."""
        sandbox.check_idle(self)
        return self.run_until(self.spawn(coro, name, host=host))

    def _run(self, limit: int) -> bool:
        """Run the loop in the sandbox. True where `_stop` ended it, False where nothing was left (before the limit)."""
        sandbox.check_idle(self)  # whoever asks in the middle of a run keeps the loop that runs
        outer, hooks = _get_running_loop(), sys.get_asyncgen_hooks()
        _set_running_loop(None)
        with sandbox.simulation(self):
            try:
                return self._turn(limit)
            finally:
                self._leave()
                _set_running_loop(outer)
                sys.set_asyncgen_hooks(*hooks)

    def _turn(self, limit: int) -> bool:
        heap, ready, fresh, tasks, light = self._heap, self._ready, self._numbers.__next__, current_tasks, Process
        steps = 0
        process: Any
        try:
            # Light processes go straight through, and so stand here twice; the rest below is for tasks.
            while True:
                if ready:
                    process, number, error = ready.popleft()
                    if process.__class__ is light:
                        if process._ticket != number:
                            continue
                        if self._loop is not None:
                            self._leave()
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
                            if command.__class__ is int and command > 0:
                                heappush(heap, (self.now_ns + command, number, process))
                            else:
                                self._wait(process, number, command)
                        continue
                    if process.__class__ is Task:
                        if process._ticket != number:
                            continue
                        home = process._home
                        if self._loop is not home and not self._enter(home):
                            home.hold(process, number, error)
                            continue
                        tasks[home] = process
                    else:
                        self._run_other(process, number, error)
                        continue
                    top = False
                elif heap:
                    when, number, process = heap[0]
                    if process.__class__ is light:
                        if process._ticket != number:
                            heappop(heap)
                            continue
                        if when > limit:
                            return False
                        if self._loop is not None:
                            self._leave()
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
                            if command.__class__ is int and command > 0:
                                heapreplace(heap, (when + command, number, process))
                            else:
                                heappop(heap)
                                self._wait(process, number, command)
                        continue
                    if process.__class__ is Task:
                        if process._ticket != number:
                            heappop(heap)
                            continue
                        if when > limit:
                            return False
                        home = process._home
                        if self._loop is not home and not self._enter(home):
                            heappop(heap)
                            home.hold(process, number, None)
                            continue
                        tasks[home] = process
                    else:
                        if _is_stale(heap[0]):
                            heappop(heap)
                            continue
                        if when > limit:
                            return False
                        heappop(heap)
                        self.now_ns = when
                        # As in asyncio, callbacks that are due together are made before what the first of them causes.
                        while heap and heap[0][0] == when and heap[0][2].__class__ is Handle:
                            ready.append((heappop(heap)[2], 0, None))
                        self._run_other(process, number, None)
                        continue
                    self.now_ns = when
                    error = None
                    top = True
                else:
                    return False
                steps += 1
                self._current = process
                process._fut_waiter = None
                try:
                    command = process._send(None) if error is None else process._raise(error)
                except StopIteration as stop:
                    if top:
                        heappop(heap)
                    self._end(process, stop.value, None)
                    continue
                except _Stop:
                    raise
                except BaseException as raised:
                    if top:
                        heappop(heap)
                    self._end(process, None, raised)
                    continue
                process._ticket = number = fresh()
                if command.__class__ is int and command > 0:
                    if top:
                        heapreplace(heap, (self.now_ns + command, number, process))
                    else:
                        heappush(heap, (self.now_ns + command, number, process))
                    continue
                if top:
                    heappop(heap)
                if command.__class__ is Future:
                    process._await(command)
                else:
                    self._wait(process, number, command)
        except _Stop:
            return True
        finally:
            self._current = None
            self.steps += steps

    def _run_other(self, thing: Any, number: int, error: BaseException | None) -> None:
        """Neither a process nor a task of ours: a callback of a host's loop, a call, or something laid on ice."""
        if thing.__class__ is Handle:
            if thing._cancelled:
                return
            home = thing._loop
            if self._loop is not home and not self._enter(home):
                home.hold(thing, number, error)
                return
            self._current = None
            current_tasks.pop(home, None)
            thing._scheduled = False
            self._calls = calls = self._calls + 1
            if calls >= self._patience:
                self._polling.look()
            if thing._callback is _SLEEP_OVER:  # of asyncio.sleep: no context or code of others is involved
                future, value = thing._args
                if not future.done():
                    future.set_result(value)
                return
        elif thing.__class__ is Frozen:
            assert thing.host is not None  # only a host pauses
            thing.host._hold(thing, number, error)
            return
        else:
            self._current = None
            if self._loop is not None and not isinstance(thing, Arrival):
                self._leave()
        thing._run()

    def _enter(self, home: Any) -> bool:
        """Make a host's loop the running one. False where the host is paused or down."""
        if home.held:
            return False
        if self._loop is not None:
            current_tasks.pop(self._loop, None)
        self._loop = home
        _set_running_loop(home)
        sys.set_asyncgen_hooks(home.agen_first, home.agen_last)
        return True

    def _leave(self) -> None:
        """No asyncio loop is running from here on."""
        if self._loop is not None:
            current_tasks.pop(self._loop, None)
            self._loop = None
            _set_running_loop(None)
            sys.set_asyncgen_hooks(None, None)

    def _wait(self, process: Any, ticket: int, command: Any) -> None:
        """The process yielded something other than a sleep: a signal, a signal with a limit, or an asyncio future."""
        if command.__class__ is tuple:
            command, limit = command
            self._plan(self.now_ns + limit, ticket, process)
            self._forget_timer()  # of this entry or the signal's waiter one will be stale
        if isinstance(command, Signal):
            if process.__class__ is Task:
                process._fut_waiter = command
            else:
                process._waits_for = command
            command._add_waiter(process, ticket)
        elif hasattr(command, "__index__"):
            nanoseconds = index(command)  # 0, or a whole number of another kind, as NumPy has them
            if nanoseconds > 0:
                self._plan(self.now_ns + nanoseconds, ticket, process)
            elif not nanoseconds:
                self._count_poll()
                self._plan(self.now_ns + self._polling.turn_ns, ticket, process)
            else:
                error = ValueError(f"A sleep of {nanoseconds} ns would turn the clock back; times only go forward.")
                (process._throw if process.__class__ is Task else process.throw)(error)
        elif command is None:  # asyncio.sleep(0): after what is ready now
            self._count_poll()
            if process.__class__ is Task:
                process._due = ticket
            self._ready.append((process, ticket, None))
        elif process.__class__ is Task:
            process._await(command)
        elif hasattr(command, "_asyncio_future_blocking"):
            # A real asyncio future or task: its loop calls back, and the process is stepped in its turn.
            command._asyncio_future_blocking = False
            process._waits_for = Signal(self, repr(command))
            watchers = command.get_loop().watchers  # told when the host crashes
            watchers[process] = ticket

            def wake(_: object) -> None:
                watchers.pop(process, None)
                self._ready.append((process, ticket, None))

            command.add_done_callback(wake)
        else:
            process.throw(
                TypeError(f"A light process awaited {command!r}; it can await sleeps, signals, processes and futures.")
            )

    def _count_poll(self) -> None:
        """A wait that takes no time: who waits so for ever lets time stand still, unless `_polling` moves it."""
        self._calls += 1
        if self._calls >= self._patience:
            self._polling.look()

    def _end(self, process: Any, value: Any, error: BaseException | None) -> None:
        self._current = None
        process._ticket = -1  # a wait with a limit may have left its other half behind
        if process.__class__ is Task:
            current_tasks.pop(process._home, None)
            process._finish(value, error)
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise error
            return
        if process._done:  # it killed itself
            return
        self._live.pop(process, None)
        if process.host is not None:
            process.host._processes.pop(process, None)
        if error is not None and isinstance(error, KeyboardInterrupt | SystemExit):
            raise error
        if self.trace is not None:
            self.trace.record(self.now_ns, "end", process.describe(), "" if error is None else type(error).__name__)
        if error is None:
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

    def _tasks(self) -> dict[HostLoop, list[asyncio.Task[Any]]]:
        """What is not done, by the loops of the hosts, in their order."""
        return pending([host._loop for host in self.hosts.values() if host._loop is not None])

    def _raise_deadlock(self, signal: Signal[Any] | None = None) -> None:
        lines = [f"{p.describe()} waits for {_wish(p)}" for p in self._live if not p.daemon]
        if signal is not None:
            for loop, tasks in self._tasks().items():
                for task in loop.in_order(tasks):
                    wish = getattr(task, "_fut_waiter", None)  # a signal of ours says more than a line
                    where = f"for {wish.describe()}" if isinstance(wish, Signal) else f"in {whereabouts(task)}"
                    lines.append(f"task {task.get_name()} on {loop.host.name} waits {where}")
        elif not lines:
            return
        if len(lines) > 20:
            lines[20:] = [f"and {len(lines) - 20} more"]
        if signal is not None and not lines:
            lines.append(f"nobody is left who could cause {signal.describe()}")
        raise Deadlock(f"Deadlock at {self.now:.9f} s: " + "; ".join(lines))

    def __del__(self) -> None:
        """Nobody closed it: whatever still waits must end here in silence, not in the collector's order."""
        if self._open:
            self.close()

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of everything that still waits, without letting a line of it act in virtual time.

        Leaving `with` does it, and so does the end of the program for who wrote none.
        """
        self._open = False
        _unclosed.discard(self)
        self._heap.clear()
        self._ready.clear()
        for loop, tasks in self._tasks().items():
            loop.die(tasks)
        for process in list(self._live):
            process._ticket = -1
            self._graveyard.append(process._coro)
        self._live.clear()
        with sandbox.simulation(self):
            bury(self._graveyard)
        self._heap.clear()
        self._ready.clear()


def _stop(_: Signal[Any]) -> None:
    raise _Stop


def _nobody(_: Signal[Any]) -> None:
    """Stands for somebody who looks at the result."""


def _wish(process: Process[Any]) -> str:
    return "nothing known" if process._waits_for is None else process._waits_for.describe()


def _is_stale(entry: tuple[int, int, Any]) -> bool:
    """Whether nothing would happen if it were that entry's turn."""
    when, number, thing = entry
    if isinstance(thing, Process) or thing.__class__ is Task:
        return bool(thing._ticket != number)
    if thing.__class__ is Handle:
        return bool(thing._cancelled or thing._loop.dead)
    if thing.__class__ is Timer:
        return thing._call is None
    return bool(getattr(thing, "due_ns", when) != when)


if not TYPE_CHECKING and native is not None:
    native.learn(
        Arrival=Arrival,
        Stop=_Stop,
        CancelledError=CancelledError,
        Future=Future,
        Handle=Handle,
        Task=Task,
        set_running_loop=_set_running_loop,
        sleep_over=_SLEEP_OVER,
        current_tasks=current_tasks,
        heappush=heappush,
        is_stale=_is_stale,
        request_of_task=request_of_task,
    )

    class Simulator(native.Core, Simulator):
        __doc__ = Simulator.__doc__
        _Heap, _Line, _Numbers = native.Agenda, native.Line, native.Numbers
        _turn_far = Simulator._turn
        """Goes on where 64 bits do not hold the time."""
        _luck_anew = Simulator.luck
        """Finds the luck that was not asked for before."""

        def _go_far(self) -> None:
            self._heap = sorted(self._heap)
            self._ready = deque(self._ready)
            for host in self.hosts.values():
                host.loop._ready = self._ready
                for task in host.loop.tasks:
                    task._send = task._step()


def process(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Process[T]]:
    """Decorate an `async def` method of an object with a `sim`: calling it starts a light process.

    A design's method so marked costs a fraction of an asyncio task; it may await what the tunnel offers, not asyncio.
    Where `sim` is None there is no tunnel: the method is then an ordinary coroutine, which somebody else has to run.
    """

    @wraps(function)
    def start(*args: P.args, **kwargs: P.kwargs) -> Process[T]:
        try:
            sim = cast("Simulator | None", args[0].sim)  # type: ignore[attr-defined]  # the protocol is the attribute
        except AttributeError:
            own = type(args[0]).__name__
            raise AttributeError(f"{own} has no sim, which its @process methods need: self.sim = stage.sim.") from None
        if sim is None:
            return function(*args, **kwargs)  # type: ignore[return-value]  # awaited all the same
        return sim.spawn(function(*args, **kwargs), function.__name__)

    return start
