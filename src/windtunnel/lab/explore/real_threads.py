"""Unmodified Python threads, stopped before each opcode that touches something shared, one running at a time.

`sys.settrace` with opcode events calls us before every opcode of the code under test. Before one that reads or writes
an attribute, an item, a global or a closure variable the thread says what it is about to touch and waits for its turn;
everything between is invisible to others and runs through. Locks made during the run are ours: a lock that is taken
just means that its waiter cannot go on, so a deadlock is seen at once and nothing ever hangs. `threading` builds its
conditions, semaphores, events and `queue.Queue` on those locks, so they come along.

Line events never find a lost update inside `self.value += 1`; opcode events find it at the second schedule.

Limits: a call into C is one step. Threads that wait with a time limit behave as if the limit had passed whenever the
lock is taken at that moment.
"""

from __future__ import annotations

import dis
import sys
import sysconfig
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import CodeType, FrameType
from typing import Any

from windtunnel.lab.explore.core import Access, Choose, Failure, Step, run_stepwise

_READS = {"LOAD_ATTR", "LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"}
_WRITES = {"STORE_ATTR", "DELETE_ATTR", "STORE_GLOBAL", "DELETE_GLOBAL", "STORE_NAME", "STORE_DEREF", "DELETE_DEREF"}
_ITEM_READS = {"BINARY_SUBSCR", "BINARY_SLICE", "CONTAINS_OP"}
_ITEM_WRITES = {"STORE_SUBSCR", "DELETE_SUBSCR", "STORE_SLICE"}


_STANDARD_LIBRARY = sysconfig.get_path("stdlib")


@cache
def _shared_accesses(code: CodeType) -> Mapping[int, Access]:
    """For each offset of an opcode that touches something shared: what. Names stand for things: coarser, but sound."""
    found: dict[int, Access] = {}
    stored = {i.argval for i in dis.get_instructions(code) if i.opname in ("STORE_GLOBAL", "DELETE_GLOBAL")}
    for instruction in dis.get_instructions(code):
        name, argument = instruction.opname, str(instruction.argval)
        is_method = name == "LOAD_METHOD" or (
            name == "LOAD_ATTR" and sys.version_info >= (3, 12) and bool((instruction.arg or 0) & 1)
        )
        is_item = name in _ITEM_READS or name in _ITEM_WRITES
        if name == "BINARY_OP" and instruction.argrepr == "[]":  # 3.14 reads items so
            found[instruction.offset] = Access("read", "an item")
        elif is_item:
            found[instruction.offset] = Access("write" if name in _ITEM_WRITES else "read", "an item")
        elif is_method:
            # A method of a list or a dict may change it; which object it is cannot be told before the call.
            found[instruction.offset] = Access("write", "an item")
        elif name in _WRITES:
            found[instruction.offset] = Access("write", argument)
        elif name in _READS and (name != "LOAD_GLOBAL" or instruction.argval in stored):
            found[instruction.offset] = Access("read", argument)
    return found


class _Stopped(BaseException):
    """Ends a thread of a run that is given up."""


class RealThreads:
    """A program of real threads.

    Args:
        make: builds fresh shared state (and its locks) and returns the threads' functions by name, and a check for
            the end (or None).
        traced: says of a file whether its code is under test; by default everything outside the standard library and
            installed packages.
    """

    def __init__(
        self,
        make: Callable[[], tuple[Mapping[str, Callable[[], object]], Callable[[], None] | None]],
        traced: Callable[[str], bool] | None = None,
    ) -> None:
        self._make = make
        self._traced = traced or _is_users

    def run(self, choose: Choose, max_steps: int) -> tuple[list[Step], Failure | None]:
        """Run once; as `Program.run`."""
        return run_stepwise(_Execution(self._make, self._traced), choose, max_steps)


def _is_users(file: str) -> bool:
    if file.startswith("<") or file == __file__ or "site-packages" in file:
        return False
    return not file.startswith(_STANDARD_LIBRARY)


class _Actor:
    """One thread under control: what it is about to do, and the gate at which it waits for its turn."""

    def __init__(self, name: str, function: Callable[[], object]) -> None:
        self.name = name
        self.function = function
        self.pending: Access | None = None
        self.wanted: _ControlledLock | None = None
        self.error: BaseException | None = None
        self.ended = False
        self.gate = _real_lock()
        self.gate.acquire()
        self.thread: threading.Thread | None = None


_real_lock = threading.Lock  # taken before anything is patched
_patching = _real_lock()


class _ControlledLock:
    """Stands in for threading.Lock and RLock during a run: nobody ever blocks in it, waiters just cannot be chosen."""

    def __init__(self, execution: _Execution, reentrant: bool) -> None:
        self._execution = execution
        self._reentrant = reentrant
        self.name = f"lock {execution.count_lock()}"
        self.holder: _Actor | None = None
        self._depth = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        actor = self._execution.current()
        if actor is None:  # set-up and check run alone
            self._depth += 1
            return True
        if self._reentrant and self.holder is actor:
            self._depth += 1
            return True
        if (not blocking or timeout >= 0) and (self.holder is not None or self._depth):
            return False
        self._execution.pause(actor, Access("acquire", self.name), self)
        self.holder = actor
        self._depth = 1
        return True

    def release(self) -> None:
        actor = self._execution.current()
        if actor is not None and self._depth == 1:
            self._execution.pause(actor, Access("release", self.name), None)
        if self._depth == 0:
            raise RuntimeError("release unlocked lock")
        self._depth -= 1
        if self._depth == 0:
            self.holder = None

    def free(self) -> bool:
        return self._depth == 0

    def locked(self) -> bool:
        return self._depth > 0

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        self.release()

    # What threading.Condition asks of an RLock.
    def _is_owned(self) -> bool:
        return self._depth > 0 and self.holder is self._execution.current()

    def _release_save(self) -> int:
        depth, self._depth = self._depth, 1
        self.release()
        return depth

    def _acquire_restore(self, depth: int) -> None:
        self.acquire()
        self._depth = depth

    def _at_fork_reinit(self) -> None:
        self._depth = 0
        self.holder = None


class _Execution:
    def __init__(
        self,
        make: Callable[[], tuple[Mapping[str, Callable[[], object]], Callable[[], None] | None]],
        traced: Callable[[str], bool],
    ) -> None:
        self._traced = traced
        self._by_thread: dict[int, _Actor] = {}
        self._locks = 0
        self._stopping = False
        self._arrived = _real_lock()
        self._arrived.acquire()
        _patching.acquire()  # one run at a time: the patches are global
        self._saved = {name: getattr(threading, name) for name in ("Lock", "RLock", "_allocate_lock")}
        self._actors: dict[str, _Actor] = {}
        try:
            self._patch()
            functions, self._check = make()
            for name, function in functions.items():
                self._launch(name, function)
        except BaseException:
            self.close()
            raise

    def _patch(self) -> None:
        setattr(threading, "Lock", lambda: _ControlledLock(self, False))  # noqa: B010  (typed as a class)
        setattr(threading, "RLock", lambda: _ControlledLock(self, True))  # noqa: B010
        setattr(threading, "_allocate_lock", lambda: _ControlledLock(self, False))  # noqa: B010

    def _launch(self, name: str, function: Callable[[], object]) -> None:
        actor = self._actors[name] = _Actor(name, function)
        # The thread's own machinery must not run on our locks.
        self._unpatch()
        actor.thread = threading.Thread(target=self._body, args=(actor,), name=name, daemon=True)
        actor.thread.start()
        self._patch()
        self._arrived.acquire()  # it stands at its first access, or has ended

    def _unpatch(self) -> None:
        for name, original in self._saved.items():
            setattr(threading, name, original)

    def _body(self, actor: _Actor) -> None:
        self._by_thread[threading.get_ident()] = actor
        sys.settrace(self._trace_call)
        try:
            actor.function()
        except _Stopped:
            pass
        except BaseException as error:
            actor.error = error
        finally:
            sys.settrace(None)
            actor.ended = True
            actor.pending = None
            self._arrived.release()

    def _trace_call(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not self._traced(frame.f_code.co_filename):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return self._trace_opcode

    def _trace_opcode(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "opcode":
            access = _shared_accesses(frame.f_code).get(frame.f_lasti)
            if access is not None:
                actor = self.current()
                if actor is not None:
                    self.pause(actor, access, None)
        return self._trace_opcode

    def current(self) -> _Actor | None:
        """The actor whose thread asks; None for the thread that explores."""
        return self._by_thread.get(threading.get_ident())

    def count_lock(self) -> int:
        self._locks += 1
        return self._locks

    def pause(self, actor: _Actor, access: Access, wanted: _ControlledLock | None) -> None:
        """Stand before a step until it is our turn."""
        if self._stopping:
            raise _Stopped
        actor.pending, actor.wanted = access, wanted
        self._arrived.release()
        actor.gate.acquire()
        if self._stopping:
            raise _Stopped
        actor.pending = actor.wanted = None

    def pending(self) -> Mapping[str, Access]:
        return {name: a.pending for name, a in self._actors.items() if a.pending is not None}

    def enabled(self) -> Sequence[str]:
        return [
            name for name, a in self._actors.items() if a.pending is not None and (a.wanted is None or a.wanted.free())
        ]

    def step(self, actor: str) -> None:
        chosen = self._actors[actor]
        chosen.gate.release()
        self._arrived.acquire()
        if chosen.error is not None:
            error, chosen.error = chosen.error, None
            if isinstance(error, Exception):
                raise error
            raise RuntimeError(f"The thread ended with {error!r}.")

    def check(self) -> None:
        for actor in self._actors.values():
            if actor.error is not None:
                raise AssertionError(f"{actor.name}: {type(actor.error).__name__}: {actor.error}")
        if self._check is not None:
            self._check()

    def blocked(self) -> str:
        return "; ".join(
            f"{a.name} waits for {a.wanted.name}, held by {a.wanted.holder.name if a.wanted.holder else 'nobody'}"
            for a in self._actors.values()
            if a.wanted is not None
        )

    def close(self) -> None:
        self._stopping = True
        for actor in self._actors.values():
            if not actor.ended:
                actor.gate.release()
                self._arrived.acquire()
        self._unpatch()
        for actor in self._actors.values():
            if actor.thread is not None:
                actor.thread.join()
        _patching.release()
