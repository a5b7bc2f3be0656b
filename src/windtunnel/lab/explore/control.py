"""One run of real threads: each waits at a gate before its steps, and one goes on at a time."""

from __future__ import annotations

import _thread
import ctypes
import gc
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import CodeType, FrameType
from typing import Any, Final, Protocol

from windtunnel.lab.errors import raised
from windtunnel.lab.explore.core import Access, Stuck, Touch
from windtunnel.lab.explore.locks import ControlledLock, RawLock, Snapshot, Wanted, is_synchronizer
from windtunnel.lab.explore.opcodes import Opcodes
from windtunnel.lab.explore.stepping import Stepper, Stopped, carried
from windtunnel.lab.explore.touches import Things
from windtunnel.lab.explore.watch import Heard, watch

SYNCHRONIZING: Final = (threading.__file__, queue.__file__)
"""Files of the standard library that are stopped in like code under test."""
Make = Callable[[], tuple[Mapping[str, Callable[[], object]], Callable[[], None] | None]]
_STARTS: Final = tuple(
    name for name in ("start_new_thread", "start_new", "start_joinable_thread") if hasattr(_thread, name)
)
_real_lock = threading.Lock  # taken before anything is patched
_real_sleep = time.sleep
_real_start = threading.Thread.start
_patching = _real_lock()
_HERE = __file__.rpartition("/")[0] if "/" in __file__ else __file__


class Controlled(Protocol):
    """What a run asks of its program."""

    make: Make
    patience_s: float
    every_opcode: bool
    exact: bool

    def is_traced(self, file: str) -> bool:
        """Whether code of that file is stopped before its steps."""

    def is_global_shared(self, name: str) -> bool:
        """Whether some code under test may bind that name."""

    def scan(self, code: CodeType) -> None:
        """Note the globals that the code may bind."""

    def scan_space(self, function: Any) -> None:
        """Note what the code in the module of this function, and in its closure, may bind."""

    def bound(self, name: Any) -> None:
        """A global was bound in a way that could not be foreseen."""

    def not_seen(self) -> None:
        """Code under test ran where nobody could come between its steps."""


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
        self.frames: dict[FrameType, Stepper] = {}
        self.leaves = False
        """Whether it was told that the run is given up."""
        self.turns = 0


class Execution:
    """As `core.Execution`."""

    def __init__(self, program: Controlled) -> None:
        self.program = program
        idle = (ControlledLock, threading.Thread, type(_real_lock()))
        self.things = Things(program.is_traced, idle, program.is_global_shared)
        self.opcodes = Opcodes(self.things, program.is_global_shared, program.exact)
        self._by_thread: dict[int, _Actor] = {}
        self._names: dict[int, str] = {}
        self._locks = 0
        self._raw: dict[int, RawLock] = {}
        self._snapshots: dict[int, Snapshot] = {}
        self.stopping = False
        self._arrived = _real_lock()
        self._arrived.acquire()
        _patching.acquire()  # one run at a time: the patches are global
        # Whatever garbage is found in a thread's step ends there, and what ends it may be code under test (a generator
        # that an earlier run left behind): steps that no tape foresees.
        self._collects = gc.isenabled()
        gc.disable()
        self._watch = watch(Heard(program.is_traced, self._entered, self._before, self._left))
        self._saved = {
            (module, name): getattr(module, name)
            for module, names in ((threading, ("Lock", "RLock", "_allocate_lock")), (_thread, _STARTS))
            for name in names
        }
        self._actors: dict[str, _Actor] = {}
        self._check: Callable[[], None] | None = None
        try:
            self._watch.begin()
            self._patch()
            functions, self._check = program.make()
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
        for start in _STARTS:
            setattr(_thread, start, self._start_thread)
        setattr(threading.Thread, "start", self._start_thread)  # noqa: B010
        setattr(time, "sleep", self._sleep)  # noqa: B010

    def _unpatch(self) -> None:
        for (module, name), original in self._saved.items():
            setattr(module, name, original)
        setattr(threading.Thread, "start", _real_start)  # noqa: B010
        setattr(time, "sleep", _real_sleep)  # noqa: B010

    def _start_thread(self, *what: object, **more: object) -> None:
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
        if self._arrived.acquire(timeout=self.program.patience_s):
            return
        self.stopping = True
        raise Stuck(_whereabouts(actor, self.program.patience_s))

    def _body(self, actor: _Actor) -> None:
        actor.ident = threading.get_ident()
        self._by_thread[actor.ident] = actor
        self._names[actor.ident] = actor.name
        actor.gate.acquire()
        self._watch.enter()
        try:
            called = self.things.called(actor.function, [])
            if called:  # no code under test, but a bound method of a list, say
                self.pause(actor, lambda: self.access(self.things.called(actor.function, [])), None)
            actor.function()
            self.things.let_go()
        except Stopped:
            pass
        except BaseException as error:
            actor.error = error
        finally:
            self._watch.leave()
            actor.ended = True
            actor.look = None
            actor.frames.clear()
            del self._by_thread[actor.ident]  # another thread of this process may get its number
            if not self.stopping:
                self._arrived.release()

    def _entered(self, frame: FrameType) -> None:
        actor = self.current()
        if actor is None:
            return
        code = frame.f_code
        self.program.scan(code)
        if code.co_filename in SYNCHRONIZING:
            self._met(frame.f_locals.get("self"))
        self._stepper(actor, frame)

    def _stepper(self, actor: _Actor, frame: FrameType) -> Stepper:
        code = frame.f_code
        every = self.program.every_opcode and code.co_filename not in SYNCHRONIZING
        made = actor.frames[frame] = Stepper(self, actor, code, carried(actor, frame.f_back), every)
        return made

    def _before(self, frame: FrameType, offset: int) -> None:
        actor = self.current()
        if actor is not None:
            (actor.frames.get(frame) or self._stepper(actor, frame)).before(frame, offset)

    def _left(self, frame: FrameType) -> None:
        actor = self.current()
        if actor is not None:
            actor.frames.pop(frame, None)

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
        return self._names.get(ident)

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

    def note_globals(self, touches: Sequence[Touch]) -> None:
        """Globals are about to be bound, which may be under names that no code was seen to bind."""
        for thing, part, write in touches:
            if write and part is not None and self.things.is_space(thing):
                self.program.bound(part)

    def pause(self, actor: _Actor, look: Callable[[], Access], wanted: Wanted | None) -> None:
        """Stand before a step until it is our turn.

        Raises:
            Stopped: the run is given up.
        """
        if self.stopping and look().kind == "release":
            return
        if not self.stopping:
            self.things.let_go()  # here no opcode is waited for: what ends takes its own steps
            self.stand(actor, look, wanted)
        if self.stopping:
            actor.leaves = True
            raise Stopped

    def stand(self, actor: _Actor, look: Callable[[], Access], wanted: Wanted | None) -> None:
        """Stand before a step until it is our turn, or the run is given up."""
        if self.things.let_go():
            self.program.not_seen()
        more = carried(actor, sys._getframe(1))
        if more:
            own = look

            def look() -> Access:
                access = own()
                return access._replace(touches=(*access.touches, *more))

        actor.look, actor.wanted = look, wanted
        self._arrived.release()
        actor.gate.acquire()
        if not self.stopping:
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
                actor.thread.join(self.program.patience_s if actor.look is not None or actor.ended else 0.1)
                if actor.thread.is_alive() and not actor.ended:  # it is left behind in C: raised when it comes back
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(actor.ident), ctypes.py_object(Stopped))
        self._unpatch()
        self._watch.end()
        if self._collects:
            gc.enable()
        for lock in self._raw.values():
            lock.restore()
        for snapshot in self._snapshots.values():
            snapshot.restore()
        _patching.release()


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
