"""Unmodified Python threads, stopped before each opcode that touches something shared, one running at a time.

`sys.settrace` with opcode events calls us before every opcode of the code under test. Before one that may touch what
another thread can see (an attribute, a global, a closure variable, the contents of a list that it tests for truth) the
thread says what, and waits for its turn; everything between is invisible to others and runs through. The objects are
those on the frame's own stack (`frames`), so two threads that work on different lists do not disturb each other.

A lock that is taken just means that its waiter cannot go on, so a deadlock is seen at once. Locks made during the run
are ours; those made before, at import say, are watched (`locks`). `threading` builds its conditions, semaphores,
events and `queue.Queue` on locks, and is traced like the code under test.

Line events never find a lost update inside `self.value += 1`; opcode events find it at the second schedule.

Limits: a call into C is one step, and is taken to touch all that it can reach, unless it is known to touch less. What
lies outside the process (files, sockets) is not seen. Waiting with a time limit is as if the limit had passed
whenever the lock is taken at that moment. A thread that blocks in C for `patience_s` ends it all with a sentence.
"""

from __future__ import annotations

import queue
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import CodeType, FrameType, FunctionType
from typing import Any

from windtunnel.lab.errors import raised
from windtunnel.lab.explore.core import Access, Choose, Failure, Step, Stuck, Touch, run_stepwise
from windtunnel.lab.explore.frames import known
from windtunnel.lab.explore.locks import ControlledLock, RawLock, Snapshot, Wanted, is_synchronizer
from windtunnel.lab.explore.opcodes import LockCall, Opcodes, names_stored, operations
from windtunnel.lab.explore.touches import Things, Touches

_STANDARD_LIBRARY = sysconfig.get_path("stdlib")
_SYNCHRONIZING = (threading.__file__, queue.__file__)
PATIENCE_S = 10.0
"""Seconds of the wall clock that a thread may take for one step."""

Make = Callable[[], tuple[Mapping[str, Callable[[], object]], Callable[[], None] | None]]
_real_lock = threading.Lock  # taken before anything is patched
_real_sleep = time.sleep
_real_start = threading.Thread.start
_patching = _real_lock()
_SILENT_AT_FIRST = sys.version_info >= (3, 13)
"""Whether the first call of a code that is to tell its opcodes tells none of them."""
_heard: dict[int, CodeType] = {}


class _Stopped(BaseException):
    """Ends a thread of a run that is given up."""


class RealThreads:
    """A program of real threads.

    Args:
        make: builds fresh shared state (and its locks) and returns the threads' functions by name, and a check for
            the end (or None).
        traced: says of a file whether its code is under test; by default everything outside the standard library and
            installed packages. What is not is taken at its worst.
        patience_s: seconds that a thread may take for one step before `Stuck` is raised.
        every_opcode: stop before every opcode, whatever it touches: for an exhaustive search of a few lines.
        exact: read the objects that opcodes work on, where this Python's frames are known; without, each opcode is
            taken at its worst, and little is reduced.
    """

    def __init__(
        self,
        make: Make,
        traced: Callable[[str], bool] | None = None,
        *,
        patience_s: float = PATIENCE_S,
        every_opcode: bool = False,
        exact: bool = True,
    ) -> None:
        self._make = make
        self._users = traced or _is_users
        self._patience_s = patience_s
        self._every_opcode = every_opcode
        self._exact = exact and known()
        self._scanned: set[CodeType] = set()
        self._stored: set[str] = set()
        self.unsure = False
        """Whether something was met in a run that earlier ones may have passed over: then nothing is proved."""
        self.watched = False
        """Whether it has been run once for the code that is silent at first."""
        self.scan_space(make)

    def run(self, choose: Choose, max_steps: int) -> tuple[list[Step], Failure | None]:
        """Run once; as `Program.run`."""
        if _SILENT_AT_FIRST and not self.watched:
            run_stepwise(_Execution(self), lambda enabled, pending: enabled[0] if enabled else None, max_steps)
            self.watched = True
        return run_stepwise(_Execution(self), choose, max_steps)

    def meet(self, code: CodeType) -> None:
        """Note that this code runs; a run in which some is silent has passed over its steps."""
        if _SILENT_AT_FIRST and id(code) not in _heard:
            _heard[id(code)] = code  # kept, so that no other gets its number
            self.unsure |= self.watched

    def is_traced(self, file: str) -> bool:
        """Whether code of that file is stopped before its steps."""
        return self._users(file) or file in _SYNCHRONIZING

    def is_global_shared(self, name: str) -> bool:
        """Whether some code under test may bind that name."""
        return name in self._stored

    def scan(self, code: CodeType, early: bool = False) -> None:
        """Note the globals that the code may bind. One that is met late may have been read without a step before."""
        if code not in self._scanned:
            self._scanned.add(code)
            new = names_stored(code) - self._stored
            if new and not early and any(name in code.co_names for name in new):
                self.unsure |= any(i.name.endswith("_GLOBAL") for i in operations(code).values() if i.argval in new)
            self._stored |= new

    def bound(self, name: Any) -> None:
        """A global was bound in a way that could not be foreseen."""
        if isinstance(name, str) and name not in self._stored:
            self._stored.add(name)
            self.unsure = True

    def scan_space(self, function: Any) -> None:
        """Note what the code in the module of this function, and in its closure, may bind."""
        function = getattr(function, "func", function)
        function = getattr(function, "__func__", function)
        if not isinstance(function, FunctionType) or function.__code__ in self._scanned:
            return
        self.scan(function.__code__, early=True)
        for value in [*function.__globals__.values(), *(c for c in function.__closure__ or ())]:
            members = list(vars(value).values()) if isinstance(value, type) else [value]
            for member in members:
                code = getattr(getattr(member, "__func__", member), "__code__", None)
                if isinstance(code, CodeType) and self.is_traced(code.co_filename):
                    self.scan(code, early=True)


def _is_users(file: str) -> bool:
    if file.startswith(("<frozen ", _HERE)) or "site-packages" in file:
        return False
    return not file.startswith(_STANDARD_LIBRARY)


_HERE = __file__.rpartition("/")[0] if "/" in __file__ else __file__


class _Actor:
    """One thread under control: what it is about to do, and the gate at which it waits for its turn."""

    def __init__(self, name: str, function: Callable[[], object]) -> None:
        self.name = name
        self.function = function
        self.ident = 0
        self.look: Callable[[], Access] | None = None
        self.wanted: Wanted | None = None
        self.error: BaseException | None = None
        self.ended = False
        self.gate = _real_lock()
        self.gate.acquire()
        self.thread: threading.Thread | None = None
        self.frames: dict[FrameType, _Tracer] = {}


class _Execution:
    def __init__(self, program: RealThreads) -> None:
        self.program = program
        self.things = Things(program.is_traced, (ControlledLock, threading.Thread, type(_real_lock())))
        self.opcodes = Opcodes(self.things, program.is_global_shared, program._exact)
        self._by_thread: dict[int, _Actor] = {}
        self._locks = 0
        self._raw: dict[int, RawLock] = {}
        self._snapshots: dict[int, Snapshot] = {}
        self.stopping = False
        self._arrived = _real_lock()
        self._arrived.acquire()
        _patching.acquire()  # one run at a time: the patches are global
        self._saved = {name: getattr(threading, name) for name in ("Lock", "RLock", "_allocate_lock")}
        self._actors: dict[str, _Actor] = {}
        self._check: Callable[[], None] | None = None
        try:
            self._patch()
            functions, self._check = program._make()
            for function in functions.values():
                program.scan_space(function)
            for name, function in functions.items():
                self._launch(name, function)
        except BaseException:
            self.close()
            raise

    def _patch(self) -> None:
        setattr(threading, "Lock", lambda: ControlledLock(self, False))  # noqa: B010  (typed as a class)
        setattr(threading, "RLock", lambda: ControlledLock(self, True))  # noqa: B010
        setattr(threading, "_allocate_lock", lambda: ControlledLock(self, False))  # noqa: B010
        setattr(threading.Thread, "start", self._start_thread)  # noqa: B010
        setattr(time, "sleep", self._sleep)  # noqa: B010

    def _unpatch(self) -> None:
        for name, original in self._saved.items():
            setattr(threading, name, original)
        setattr(threading.Thread, "start", _real_start)  # noqa: B010
        setattr(time, "sleep", _real_sleep)  # noqa: B010

    def _start_thread(self, thread: threading.Thread | None = None) -> None:
        raise RuntimeError("Threads under exploration start no others; return all of them from `make`.")

    def _sleep(self, seconds: float) -> None:
        """Time does not pass under exploration: any order is tried anyway."""
        if self.current() is None:
            _real_sleep(seconds)

    def _launch(self, name: str, function: Callable[[], object]) -> None:
        actor = self._actors[name] = _Actor(name, function)
        # The thread's own machinery must not run on our locks.
        self._unpatch()
        actor.thread = threading.Thread(target=self._body, args=(actor,), name=name, daemon=True)
        actor.thread.start()
        self._patch()
        actor.gate.release()
        self._await(actor)  # it stands at its first access, or has ended

    def _await(self, actor: _Actor) -> None:
        """Wait until the thread stands before its next step, or has ended."""
        if self._arrived.acquire(timeout=self.program._patience_s):
            return
        self.stopping = True
        raise Stuck(_whereabouts(actor, self.program._patience_s))

    def _body(self, actor: _Actor) -> None:
        actor.ident = threading.get_ident()
        self._by_thread[actor.ident] = actor
        actor.gate.acquire()
        sys.settrace(self._trace_call)
        try:
            called = self.things.called(actor.function, [])
            if called:  # no code under test, but a bound method of a list, say
                self.pause(actor, lambda: self.access(self.things.called(actor.function, [])), None)
            actor.function()
        except _Stopped:
            pass
        except BaseException as error:
            actor.error = error
        finally:
            sys.settrace(None)
            actor.ended = True
            actor.look = None
            actor.frames.clear()
            if not self.stopping:
                self._arrived.release()

    def _trace_call(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if not self.program.is_traced(code.co_filename):
            return None
        actor = self.current()
        if actor is None:
            return None
        self.program.scan(code)
        self.program.meet(code)
        if code.co_filename in _SYNCHRONIZING:
            self._met(frame.f_locals.get("self"))
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        tracer = actor.frames[frame] = _Tracer(self, actor, code, _carried(actor, frame.f_back))
        return tracer.trace

    def _met(self, thing: Any) -> None:
        if is_synchronizer(thing) and id(thing) not in self._snapshots:
            self._snapshots[id(thing)] = Snapshot(thing)

    def raw(self, lock: Any) -> RawLock:
        """The watch of a lock that was not made by us."""
        found = self._raw.get(id(lock))
        if found is None:
            found = self._raw[id(lock)] = RawLock(lock, self.count_lock(), self._name_of)
        return found

    def _name_of(self, ident: int) -> str | None:
        actor = self._by_thread.get(ident)
        return actor.name if actor else None

    def access(self, touches: Sequence[Touch]) -> Access:
        """The touches as a step, told by the first that is written, or else the first."""
        unique = tuple(dict.fromkeys(touches))
        main = next((t for t in unique if t[2]), unique[0])
        return Access("write" if main[2] else "read", self.things.told(main), unique)

    def current(self) -> _Actor | None:
        """The actor whose thread asks; None for the thread that explores."""
        return self._by_thread.get(threading.get_ident())

    def count_lock(self) -> int:
        self._locks += 1
        return self._locks

    def pause(self, actor: _Actor, look: Callable[[], Access], wanted: Wanted | None) -> None:
        """Stand before a step until it is our turn."""
        if self.stopping:
            if look().kind == "release":
                return
            raise _Stopped
        carried = _carried(actor, sys._getframe(1))
        if carried:
            own = look

            def look() -> Access:
                access = own()
                return access._replace(touches=(*access.touches, *carried))

        actor.look, actor.wanted = look, wanted
        self._arrived.release()
        actor.gate.acquire()
        if self.stopping:
            raise _Stopped
        actor.look = actor.wanted = None

    def pending(self) -> Mapping[str, Access]:
        # Asked anew at every point: what an operation touches may hang on what others have done meanwhile.
        return {name: a.look() for name, a in self._actors.items() if a.look is not None}

    def enabled(self) -> Sequence[str]:
        return [
            name for name, a in self._actors.items() if a.look is not None and (a.wanted is None or a.wanted.free(a))
        ]

    def step(self, actor: str) -> None:
        chosen = self._actors[actor]
        chosen.gate.release()
        self._await(chosen)
        if chosen.error is not None:
            error, chosen.error = chosen.error, None
            if isinstance(error, Exception):
                raise error
            raise RuntimeError(f"The thread ended with {error!r}.")

    def check(self) -> None:
        for actor in self._actors.values():
            if actor.error is not None:
                raise AssertionError(f"{actor.name} raised {raised(actor.error)}.")
        if self._check is not None:
            self._check()

    def blocked(self) -> str:
        return "; ".join(
            f"{a.name} waits for {a.wanted.name}, held by {a.wanted.held_by()}"
            for a in self._actors.values()
            if a.wanted is not None
        )

    def close(self) -> None:
        self.stopping = True
        for actor in self._actors.values():
            if not actor.ended and actor.look is not None:
                actor.gate.release()
        for actor in self._actors.values():
            if actor.thread is not None:
                actor.thread.join(self.program._patience_s if actor.look is not None or actor.ended else 0.1)
        self._unpatch()
        for lock in self._raw.values():
            lock.restore()
        for snapshot in self._snapshots.values():
            snapshot.restore()
        _patching.release()


def _carried(actor: _Actor, frame: FrameType | None) -> Touches:
    """What the operation under way in the nearest traced frame touches: C code that calls back goes on with it."""
    while frame is not None:
        tracer = actor.frames.get(frame)
        if tracer is not None:
            return [*tracer.carried, *tracer.doing]
        frame = frame.f_back
    return []


def _whereabouts(actor: _Actor, patience_s: float) -> str:
    frame = sys._current_frames().get(actor.ident)
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    place = "" if frame is None else f" in {frame.f_code.co_name} ({frame.f_code.co_filename}, line {frame.f_lineno})"
    return (
        f"Thread {actor.name!r} has not come back for {patience_s:g} s{place}: it waits for something that is not "
        "under control, such as a lock taken by C code, a socket or a process, or it loops for ever; let `make` build "
        "what it waits for out of threading and queue.Queue, or stand something that answers at once in its place."
    )


class _Tracer:
    """Stops one frame before its steps."""

    def __init__(self, execution: _Execution, actor: _Actor, code: CodeType, carried: Touches) -> None:
        self._execution = execution
        self._actor = actor
        self._operations = operations(code)
        self._every = execution.program._every_opcode and code.co_filename not in _SYNCHRONIZING
        self.carried = carried
        self.doing: Touches = []

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "return":
            self._actor.frames.pop(frame, None)
        if event != "opcode":
            return self.trace
        execution = self._execution
        if execution.stopping:
            raise _Stopped
        op = self._operations.get(frame.f_lasti)
        if op is None:
            if self._every:
                self._stand(frame, lambda: _IDLE_STEP)
            return self.trace
        self.doing = []
        said = execution.opcodes.touches(frame, op)
        if isinstance(said, LockCall):
            self._lock(said)
        elif said is None:
            if self._every or self.carried:
                self._stand(frame, lambda: _IDLE_STEP)
        else:
            first = said()
            if first:
                self._note_globals(first)
                look = said
                self.doing = []
                self._stand(frame, lambda: execution.access(look()) if look() else _IDLE_STEP)
                self.doing = said()
            elif self._every:
                self._stand(frame, lambda: _IDLE_STEP)
        return self.trace

    def _stand(self, frame: FrameType, look: Callable[[], Access]) -> None:
        self._execution.pause(self._actor, look, None)
        # Before 3.13 the locals that the tracer was given are written back when it returns, cells of closures too;
        # asking again replaces what others have changed meanwhile.
        frame.f_locals  # noqa: B018

    def _lock(self, call: LockCall) -> None:
        raw, actor = self._execution.raw(call.lock), self._actor
        self._execution.pause(actor, lambda: raw.access(call.what, actor), raw if call.what == "acquire" else None)
        if call.what in ("acquire", "try") and raw.free(actor):
            raw.took(actor)

    def _note_globals(self, touches: Touches) -> None:
        for thing, part, write in touches:
            if write and part is not None and self._execution.things.is_space(thing):
                self._execution.program.bound(part)


_IDLE_STEP = Access("read", "nothing", ((-1 << 40, None, False),))
