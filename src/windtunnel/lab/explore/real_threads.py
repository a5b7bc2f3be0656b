"""Unmodified Python threads, stopped before each opcode that touches something shared, one running at a time.

We are called before every opcode of the code under test (`watch`). Before one that may touch what another thread can
see (an attribute, a global, a closure variable, the contents of a list that it tests for truth) the thread says what,
and waits for its turn; everything between is invisible to others and runs through. The objects are those on the frame's
own stack (`frames`), so two threads that work on different lists do not disturb each other.

A lock that is taken just means that its waiter cannot go on, so a deadlock is seen at once. Locks made during the run
are ours; those made before, at import say, are watched (`locks`). `threading` builds its conditions, semaphores,
events and `queue.Queue` on locks, and is traced like the code under test.

Line events never find a lost update inside `self.value += 1`; opcode events find it at the second schedule.

Limits: a call into C is one step, and is taken to touch all that it can reach, unless it is known to touch less. What
lies outside the process (files, sockets) is not seen. Waiting with a time limit is as if the limit had passed
whenever the lock is taken at that moment. A thread that blocks in C for `patience_s` ends it all with a sentence.
Things end when they would end without us, and code under test that runs then is stopped before its steps like any
other; what ends with a local variable ends in the step before. Where a list is the last that has a thing with such code
and ends in the middle of another step, and where a global was read that nobody was known to bind, nothing is proved.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Iterable
from functools import partial
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

from windtunnel.lab.explore.control import SYNCHRONIZING, Execution, Make
from windtunnel.lab.explore.core import Choose, Failure, Step, run_stepwise
from windtunnel.lab.explore.opcodes import names_stored
from windtunnel.lab.explore.watch import known

_STANDARD_LIBRARY = sysconfig.get_path("stdlib")
PATIENCE_S = 10.0
"""Seconds of the wall clock that a thread may take for one step."""


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
        self.make = make
        self._users = traced or _is_users
        self.patience_s = patience_s
        self.every_opcode = every_opcode
        self.exact = exact and known()
        self._scanned: set[CodeType] = set()
        self._met: set[CodeType] = set()
        self._stored: set[str] = set()
        self._passed_over: set[str] = set()
        """Globals that were read without a step, since nobody was known to bind them."""
        self.unsure = False
        """Whether something was met in a run that earlier ones may have passed over: then nothing is proved."""
        self.scan_space(make)

    def run(self, choose: Choose, max_steps: int) -> tuple[list[Step], Failure | None]:
        """Run once; as `Program.run`."""
        return run_stepwise(Execution(self), choose, max_steps)

    def is_traced(self, file: str) -> bool:
        """Whether code of that file is stopped before its steps."""
        return self._users(file) or file in SYNCHRONIZING

    def is_global_shared(self, name: str) -> bool:
        """Whether some code under test may bind that name."""
        if name in self._stored:
            return True
        self._passed_over.add(name)
        return False

    def scan(self, code: CodeType) -> None:
        """Note the globals that the code may bind. One that is met late may have been read without a step before."""
        if code not in self._scanned:
            self._scanned.add(code)
            self._may_bind(names_stored(code))

    def _may_bind(self, names: Iterable[str]) -> None:
        self.unsure |= not self._passed_over.isdisjoint(names)
        self._stored.update(names)
        self._passed_over.difference_update(names)

    def bound(self, name: Any) -> None:
        """A global was bound in a way that could not be foreseen."""
        if isinstance(name, str):
            self._may_bind([name])

    def not_seen(self) -> None:
        """Code under test ran where nobody could come between its steps."""
        self.unsure = True

    def scan_space(self, function: Any) -> None:
        """Note what the code in the module of this function, and in its closure, may bind."""
        function = _function(function)
        if function is None or function.__code__ in self._met:
            return
        self._met.add(function.__code__)
        self.scan(function.__code__)
        around = [c.cell_contents for c in function.__closure__ or () if c != CellType()]
        for value in around:
            self.scan_space(value)  # which may be of another module
        for value in [*function.__globals__.values(), *around]:
            members = list(vars(value).values()) if issubclass(type(value), type) else [value]
            for member in members:
                found = _function(member)
                if found is not None and self.is_traced(found.__code__.co_filename):
                    self.scan(found.__code__)


def _function(thing: Any) -> FunctionType | None:
    """The function in Python behind a callable, found without running code of its class."""
    kind = type(thing)
    if issubclass(kind, partial):
        return _function(thing.func)
    if kind in (MethodType, classmethod, staticmethod):
        return _function(thing.__func__)
    return thing if kind is FunctionType else None


def _is_users(file: str) -> bool:
    if file.startswith(("<frozen ", _HERE)) or "site-packages" in file:
        return False
    return not file.startswith(_STANDARD_LIBRARY)


_HERE = __file__.rpartition("/")[0] if "/" in __file__ else __file__
