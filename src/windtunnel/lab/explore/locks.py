"""Locks under exploration: those made during a run stand in for `threading`'s; those made before are watched.

Nobody ever blocks in either: whoever would wait for a lock that is taken just cannot be chosen.
"""

from __future__ import annotations

import queue
import re
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

from windtunnel.lab.explore.core import Access, Touch

_SYNCHRONIZERS: Final = (
    threading.Condition,
    threading.Semaphore,
    threading.Event,
    threading.Barrier,
    queue.Queue,
)


class Holder(Protocol):
    """A thread under control."""

    name: str
    ident: int


class Wanted(Protocol):
    """What a thread may have to wait for."""

    name: str

    def free(self, by: Any) -> bool:
        """Whether it could be taken now."""

    def held_by(self) -> str:
        """Who has it."""


class Keeper(Protocol):
    """What locks ask of the run they belong to."""

    def current(self) -> Any:
        """The thread that asks; None for the one that explores."""

    def pause(self, actor: Any, look: Callable[[], Access], wanted: Wanted | None) -> None:
        """Stand before a step until it is our turn."""

    def count_lock(self) -> int:
        """The number of a new lock."""


def lock_access(kind: Any, name: str, number: int, foreign: bool = False) -> Access:
    """A step of a lock."""
    touch: Touch = (-number, None, kind != "read")
    return Access(kind, name, (touch,), foreign)


class ControlledLock:
    """Stands in for threading.Lock and RLock during a run."""

    def __init__(self, keeper: Keeper, reentrant: bool) -> None:
        self._keeper = keeper
        self._reentrant = reentrant
        self._number = keeper.count_lock()
        self.name = f"lock {self._number}"
        self.holder: Holder | None = None
        self._depth = 0

    def _step(self, kind: Any, foreign: bool = False) -> Access:
        return lock_access(kind, self.name, self._number, foreign)

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        actor = self._keeper.current()
        if actor is None:  # set-up and check run alone
            self._depth += 1
            return True
        if self._reentrant and self.holder is actor:
            self._depth += 1
            return True
        if not blocking or timeout >= 0:
            self._keeper.pause(actor, lambda: self._step("write"), None)
            if self._depth:
                return False
        else:
            self._keeper.pause(actor, lambda: self._step("acquire"), self)
        self.holder = actor
        self._depth = 1
        return True

    def release(self) -> None:
        actor = self._keeper.current()
        if actor is not None and (self._depth <= 1 or self.holder is not actor):

            def look() -> Access:
                foreign = self.holder is not actor
                return self._step("release" if self._depth else "write", foreign)

            self._keeper.pause(actor, look, None)
        if self._depth == 0:
            raise RuntimeError("release unlocked lock")
        if self._reentrant and actor is not None and self.holder is not actor:
            raise RuntimeError("cannot release un-acquired lock")
        self._depth -= 1
        if self._depth == 0:
            self.holder = None

    def free(self, by: Any) -> bool:
        return self._depth == 0

    def held_by(self) -> str:
        return self.holder.name if self.holder else "nobody"

    def locked(self) -> bool:
        actor = self._keeper.current()
        if actor is not None:
            self._keeper.pause(actor, lambda: self._step("read"), None)
        return self._depth > 0

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        self.release()

    # What threading.Condition asks of an RLock.
    def _is_owned(self) -> bool:
        if self._reentrant:
            return self._depth > 0 and self.holder is self._keeper.current()
        return self._depth > 0

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


class RawLock:
    """A lock that was made before the run, seen from outside. `owners` are the threads under control by their ids."""

    def __init__(self, lock: Any, number: int, holder: Callable[[int], str | None]) -> None:
        self.lock = lock
        self.number = number
        self.name = f"lock {number} (made before the run)"
        self._name_of = holder
        self._taken_by: Holder | None = None
        self._was_free = self._owner() is None if hasattr(lock, "_is_owned") else not lock.locked()

    def _owner(self) -> int | None:
        """Of an RLock, the thread that has it; its repr is all that tells others."""
        found = re.search(r"owner=(\d+) count=(\d+)", repr(self.lock))
        return int(found[1]) if found and int(found[2]) else None

    def free(self, by: Any) -> bool:
        if hasattr(self.lock, "_is_owned"):
            return self._owner() in (None, by.ident)
        return not self.lock.locked()

    def took(self, by: Holder) -> None:
        """Remember who has it, for the sentence."""
        self._taken_by = by

    def held_by(self) -> str:
        owner = self._owner() if hasattr(self.lock, "_is_owned") else None
        if owner is not None:
            return self._name_of(owner) or "another thread"
        return self._taken_by.name if self._taken_by else "nobody"

    def access(self, what: str, by: Holder) -> Access:
        """What a call would do."""
        if what == "release":
            taken = not self.free(None) if not hasattr(self.lock, "_is_owned") else self._owner() is not None
            mine = self._taken_by is by
            return lock_access("release" if taken else "write", self.name, self.number, not mine)
        return lock_access({"acquire": "acquire", "look": "read"}.get(what, "write"), self.name, self.number)

    def restore(self) -> None:
        """As it was when the run began."""
        if self._was_free and not self.free(_Nobody):
            self.lock._at_fork_reinit()


class _Nobody:
    ident = -1


class Snapshot:
    """The state of a condition, semaphore, event, barrier or queue as it was when the run first met it."""

    def __init__(self, thing: Any) -> None:
        self._thing = thing
        self._values = dict(thing.__dict__)
        self._contents = {name: list(v) for name, v in self._values.items() if isinstance(v, list | deque)}

    def restore(self) -> None:
        """As it was: what was given up in the middle must not be seen by the next run."""
        self._thing.__dict__.update(self._values)
        for name, contents in self._contents.items():
            held = self._values[name]
            held.clear()
            held.extend(contents)


def is_synchronizer(thing: Any) -> bool:
    """Whether it is one of those whose state `Snapshot` keeps."""
    return isinstance(thing, _SYNCHRONIZERS) and hasattr(thing, "__dict__")
