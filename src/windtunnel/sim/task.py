"""Tasks and handles of simulated hosts: asyncio's own, but stepped by the tunnel's kernel.

A C task pays for every wait with a future, a handle and two trips through its loop. `Task` is a real `asyncio.Task`
(its future, name, context and cancellation count are the C ones) whose coroutine the kernel steps as it steps a light
process: our sleep costs it no object, and a future that it awaits wakes it without a handle.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import warnings
from asyncio import CancelledError, Future
from collections.abc import Callable, Collection, Coroutine, Iterable
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from windtunnel.sim.signals import Signal, Timer
from windtunnel.sim.tier import lend, native

if TYPE_CHECKING:
    from windtunnel.sim.host import Host
    from windtunnel.sim.loop import HostLoop

NO_REQUEST: Final = -1
request_of_task: ContextVar[int] = ContextVar("windtunnel_request", default=NO_REQUEST)
"""The request that a task of a host works for. Tasks inherit it, as they inherit every context variable."""

_current_task = asyncio.current_task
_loop_of = vars(asyncio.futures)["_get_loop"]
_UNCANCEL_FORGETS = sys.version_info >= (3, 13)


class _RunningTask:
    """asyncio's record of which task each loop is stepping, where it is no longer a dict (Python 3.14)."""

    def __setitem__(self, loop: HostLoop, task: asyncio.Task[Any]) -> None:
        vars(asyncio.tasks)["_swap_current_task"](loop, task)

    def pop(self, loop: HostLoop, default: None) -> None:
        if asyncio._get_running_loop() is loop:
            vars(asyncio.tasks)["_swap_current_task"](loop, None)


CLOSINGS: Final = 1000
_ASYNCIO: Final = asyncio.__path__[0]

# Known to asyncio's own C code by these names, not to typeshed.
current_tasks: Any = _RunningTask() if sys.version_info >= (3, 14) else vars(asyncio.tasks)["_current_tasks"]


class Handle(asyncio.TimerHandle):
    """A callback of a host's loop, due now or later."""

    __slots__ = ()

    _loop: HostLoop
    _cancelled: bool
    _when: float
    _scheduled: bool

    def __init__(
        self, callback: Callable[..., object], args: tuple[Any, ...], loop: HostLoop, context: Context | None
    ) -> None:
        # The fields of asyncio.Handle, written out: there is one of these a callback.
        self._callback = callback
        self._args = args
        self._loop = loop
        self._context = copy_context() if context is None else context
        self._cancelled = False
        self._scheduled = False
        self._repr = None
        self._source_traceback = None

    def _repr_info(self) -> list[str]:
        return asyncio.Handle._repr_info(self)  # type: ignore[attr-defined,no-any-return]  # only timers have a time

    def cancel(self) -> None:
        """Do not make the call."""
        if not self._cancelled:
            self._cancelled = True
            self._callback = self._args = None  # type: ignore[assignment]  # as asyncio does, to let go of them
            if self._scheduled:
                self._loop.sim._forget_timer()

    def _raised(self, error: BaseException) -> None:
        """The compiled loop made the call, and this came out of it: have asyncio's own text say what that means."""
        self._context = cast(Context, _Raising(self, error))
        self._args = self._args or ()  # it may have cancelled itself, and asyncio's text unpacks them
        self._run()


class _Raising:
    """In the place of the context in which a callback runs, for this one time."""

    def __init__(self, handle: Handle, error: BaseException) -> None:
        self.handle, self.context, self.args, self.error = handle, handle._context, handle._args, error

    def run(self, *_: object) -> None:
        self.handle._context, self.handle._args = self.context, self.args
        raise self.error


if not TYPE_CHECKING and native is not None:
    Handle = lend(native.handle_class(asyncio.TimerHandle), Handle, "_repr_info", "_raised")


class Task(asyncio.Task[Any]):
    """A task of a simulated host.

    Its hash is its number, not its address: sets of tasks (a TaskGroup's, a server's) are walked in the same order in
    every run.
    """

    __slots__ = ("_body", "_context", "_due", "_fut_waiter", "_home", "_must_cancel", "_send", "_serial", "_ticket")

    _fut_waiter: Any
    """The future or signal that it awaits. As in asyncio it stays until the task is stepped, also when it is done:
    anyio reads there whether an item has been handed to a task that is about to be cancelled."""

    def __init__(
        self, coro: Coroutine[Any, Any, Any], loop: HostLoop, name: str | None = None, context: Context | None = None
    ) -> None:
        sim = loop.sim
        self._serial = self._ticket = self._due = ticket = next(sim._numbers)
        self._context = context = copy_context() if context is None else context
        self._home = loop
        self._must_cancel = False
        self._fut_waiter = None
        super().__init__(coro, loop=loop, name=name, context=context)
        sim._ready.pop()  # the first step that the C task has asked for: the kernel makes it instead
        self._body = coro
        self._send: Any = self._step()
        sim._ready.append((self, ticket, None))
        loop.tasks[self] = None
        if sim.trace is not None:
            sim.trace.record(sim.now_ns, "start", self.get_name(), loop.host.name)

    @property
    def host(self) -> Host:
        """Where it runs."""
        return self._home.host

    @property
    def request(self) -> int:
        """The request that it works for, seen from its own lines."""
        return request_of_task.get()

    def describe(self) -> str:
        """What it is, for messages."""
        return f"task {self.get_name()} on {self._home.host.name}"

    def __hash__(self) -> int:
        return self._serial

    def __call__(self, future: object = None) -> None:
        """Go on: what was awaited is done. A task is its own callback, and its loop wakes it without a handle."""
        self._home.call_soon(self)

    # --- cancelling ----------------------------------------------------------------------------------------------
    def cancel(self, msg: Any | None = None) -> bool:
        """Raise CancelledError in the task where it waits; False if it has ended."""
        if not super().cancel(msg):  # which counts the request, and keeps the message
            return False
        waiter = self._fut_waiter
        if _current_task(self._home) is self:
            self._cancel_when_stepped()
            self._home.sim._ready.append((Timer(self._cancel_late, ()), 0, None))
        elif waiter is not None:
            if isinstance(waiter, Signal) and not waiter.done():  # what happens is nobody's to cancel, nor is a process
                self._throw(self._cancellation())
            elif isinstance(waiter, Signal) or not waiter.cancel(msg=msg):
                self._cancel_when_stepped()  # it is done, and we are about to be stepped; or it refuses
        elif self._due == self._ticket:
            self._cancel_when_stepped()
        else:
            self._throw(self._cancellation())
        return True

    def uncancel(self) -> int:
        """One request for cancellation less; how many remain."""
        left = super().uncancel()
        if _UNCANCEL_FORGETS and not left:
            self._must_cancel = False
        return left

    def _cancellation(self) -> CancelledError:
        return cast(CancelledError, self._make_cancelled_error())  # type: ignore[attr-defined]  # of Future

    def _cancel_when_stepped(self) -> None:
        """As asyncio does it: who is about to be stepped keeps its turn, and meets the error there."""
        self._must_cancel = True
        self._send = self._step_late

    def _step_late(self, _: None) -> Any:
        """The next step, unless the cancellation was taken back."""
        self._send = self._step()
        if not self._must_cancel:
            return self._context.run(self._body.send, None)
        return self._raise(self._cancellation())

    def _step(self) -> Callable[[None], Any] | None:
        """What steps it while no cancellation stands in between; the compiled loop needs nothing for that."""
        if native is not None and self._home.sim._heap.__class__ is native.Agenda:
            return None
        return partial(self._context.run, self._body.send)  # type: ignore[call-arg]

    def _cancel_late(self) -> None:
        """It cancelled itself, and has come to its next wait. Futures of asyncio's were told by `_await`."""
        if self._must_cancel and not self.done() and self._due != self._ticket:
            waiter = self._fut_waiter
            if waiter is None or (isinstance(waiter, Signal) and not waiter.done()):
                self._must_cancel = False
                self._throw(self._cancellation())

    def _throw(self, error: BaseException) -> None:
        sim = self._home.sim
        self._ticket = self._due = ticket = next(sim._numbers)
        sim._ready.append((self, ticket, error))

    # --- being stepped -------------------------------------------------------------------------------------------
    def _raise(self, error: BaseException) -> Any:
        if self._must_cancel:
            self._must_cancel = False
            if not isinstance(error, CancelledError):
                error = self._cancellation()
        coro: Any = self.get_coro()
        return self._context.run(coro.throw, error)

    def _await(self, future: Any) -> None:
        """The coroutine yielded something that may be a future: have it call us when it is done."""
        if future.__class__ is Future and future._loop is self._home and future._asyncio_future_blocking:
            future._asyncio_future_blocking = False
            self._fut_waiter = future
            future.add_done_callback(self, context=self._context)
            if self._must_cancel and future.cancel(msg=self._cancel_message):  # type: ignore[attr-defined]  # of Future
                self._must_cancel = False
        elif not getattr(future, "_asyncio_future_blocking", False):
            self._throw(RuntimeError(f"Task got bad yield: {future!r}"))
        elif future is self:
            self._asyncio_future_blocking = False
            self._throw(RuntimeError(f"Task cannot await on itself: {self!r}"))
        elif _loop_of(future) is not self._home:
            self._throw(RuntimeError(f"Task {self!r} got Future {future!r} attached to a different loop"))
        else:
            future._asyncio_future_blocking = False
            self._fut_waiter = future
            future.add_done_callback(self, context=self._context)
            if self._must_cancel and future.cancel(msg=self._cancel_message):  # type: ignore[attr-defined]  # of Future
                self._must_cancel = False

    def _finish(self, value: Any, error: BaseException | None) -> None:
        """The coroutine has ended: so does the task."""
        self._home.tasks.pop(self, None)
        del self._send, self._body  # they hold the coroutine, which holds what it used
        cancelled, self._must_cancel = self._must_cancel, False
        sim = self._home.sim
        if sim.trace is not None:
            sim.trace.record(sim.now_ns, "end", self.get_name(), "" if error is None else type(error).__name__)
        if isinstance(error, CancelledError):
            Future.cancel(self, *error.args[:1])
        elif error is not None:
            Future.set_exception(self, error)
            if isinstance(error, KeyboardInterrupt | SystemExit):
                self._log_traceback = False  # the kernel raises it where the run was asked for
        elif cancelled:
            Future.cancel(self, self._cancel_message)  # type: ignore[attr-defined]  # of Future
        else:
            Future.set_result(self, value)


def whereabouts(task: asyncio.Task[Any]) -> str:
    """The innermost line of its own at which a task waits, and in what of asyncio's, for messages."""
    inner: Any = task.get_coro()
    line, own = "nothing known", None
    while (frame := _frame(inner)) is not None:
        if own is None or not frame.f_code.co_filename.startswith(_ASYNCIO):
            line, own = f"{inner.__qualname__}, line {frame.f_lineno}", inner
        last, inner = inner, getattr(inner, "cr_await", None) or getattr(inner, "gi_yieldfrom", None)
        if _frame(inner) is None and last is not own:
            line += f", in {last.__qualname__}"
    return line


def _frame(body: Any) -> Any:
    return getattr(body, "cr_frame", None) or getattr(body, "gi_frame", None)


_LISTS = ("_all_tasks", "_scheduled_tasks", "_eager_tasks")
"""Where asyncio keeps the tasks of all loops: the first until Python 3.11, the others until 3.13."""


def pending(loops: Collection[Any]) -> dict[Any, list[asyncio.Task[Any]]]:
    """Tasks that are not done, of these loops, in no order.

    `asyncio.all_tasks(loop)` looks at the tasks of all loops. Asked for each of thousands it looks at them thousands of
    times, so its lists are read here, once, where this Python has them.
    """
    lists = [found for name in _LISTS if (found := getattr(asyncio.tasks, name, None)) is not None]
    if len(loops) < 2 or not lists:
        return {loop: list(asyncio.all_tasks(loop)) for loop in loops}
    tasks: dict[Any, list[asyncio.Task[Any]]] = {loop: [] for loop in loops}
    for task in {task for those in lists for task in _copied(those)}:
        if not task.done() and (home := tasks.get(task.get_loop())) is not None:
            home.append(task)
    return tasks


def _copied(those: Iterable[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
    """A copy of a set to which other threads may add while it is made."""
    while True:
        with suppress(RuntimeError):
            return list(those)


def bury(dead: list[Any]) -> None:
    """Let go of coroutines and tasks that were stopped dead.

    Python offers no way to drop a suspended coroutine but to close it, which runs its `finally` blocks. They run
    here, when all is over: loops are dead, so nothing that they start happens, and what they log is not shown. Nor is
    it held against them that they leave connections open: so does a crash.
    """
    outer = asyncio._get_running_loop()
    loops: dict[Any, None] = {}
    try:
        with _hushed:
            while dead:
                _bury(dead.pop(), loops)
                if not dead:  # tasks that were started meanwhile
                    dead += [t for those in pending(loops).values() for t in those if _unburied(t)]
    finally:
        asyncio._set_running_loop(outer)


class _Hushed:
    """No log is written and no `ResourceWarning` shown while anybody is inside.

    Both switches belong to the process: threads that bury at the same time share one turn of them, else the one that
    leaves last would put back what it found, which is silence.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._noise = logging.root.manager.disable
                logging.disable(logging.CRITICAL)
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore", ResourceWarning)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._filters.__exit__(None, None, None)
                logging.disable(self._noise)


_hushed = _Hushed()


def _bury(body: Any, loops: dict[Any, None]) -> None:
    if isinstance(body, asyncio.Task):
        loop = body.get_loop()
        loops[loop] = None
        body._log_destroy_pending = False  # type: ignore[attr-defined]  # it is pending, and that is meant
        asyncio._set_running_loop(loop)
        _close(body.get_coro())
    else:
        asyncio._set_running_loop(None)
        _close(body)


def _unburied(task: asyncio.Task[Any]) -> bool:
    """Whether it has not been buried yet."""
    return bool(task._log_destroy_pending)  # type: ignore[attr-defined]  # of every task


def _close(coro: Any) -> None:
    """Close a coroutine. One that awaits again while it is being closed is closed again, from there."""
    for _ in range(CLOSINGS):
        with suppress(Exception, CancelledError, GeneratorExit):
            coro.close()
        if _frame(coro) is None:
            return
    import ctypes

    # Were it collected, the interpreter would try again, at any moment: it must live for ever.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(coro))
