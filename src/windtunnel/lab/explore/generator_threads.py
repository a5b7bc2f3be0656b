"""Threads written as generators: each `yield` says what the next step touches, and is where others may come between.

def add(memory):
    yield Access("read", "x")
    seen = memory["x"]          # this runs together with the read
    yield Access("write", "x")
    memory["x"] = seen + 1
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence

from windtunnel.lab.explore.core import Access, Choose, Failure, Step, run_stepwise

Thread = Generator[Access, None, None]


class Lock:
    """A lock of generator threads: `yield lock.acquire()` ... `yield lock.release()`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def acquire(self) -> Access:
        """The step that takes the lock; possible only while nobody holds it."""
        return Access("acquire", self.name)

    def release(self) -> Access:
        """The step that gives it back."""
        return Access("release", self.name)


class Threads:
    """A program of generator threads.

    Args:
        make: builds fresh shared state and returns the threads by name, and a check for the end (or None).
    """

    def __init__(self, make: Callable[[], tuple[Mapping[str, Thread], Callable[[], None] | None]]) -> None:
        self._make = make

    def run(self, choose: Choose, max_steps: int) -> tuple[list[Step], Failure | None]:
        """Run once; as `Program.run`."""
        return run_stepwise(_Execution(*self._make()), choose, max_steps)


class _Execution:
    def __init__(self, threads: Mapping[str, Thread], check: Callable[[], None] | None) -> None:
        self._threads = dict(threads)
        self._check = check
        self._holders: dict[str, str] = {}
        self._pending: dict[str, Access] = {}
        for name in self._threads:
            self._advance(name)

    def _advance(self, name: str) -> None:
        try:
            self._pending[name] = next(self._threads[name])
        except StopIteration:
            self._pending.pop(name, None)

    def pending(self) -> Mapping[str, Access]:
        return self._pending

    def enabled(self) -> Sequence[str]:
        return [
            name
            for name, access in self._pending.items()
            if access.kind != "acquire" or access.target not in self._holders
        ]

    def step(self, actor: str) -> None:
        access = self._pending[actor]
        if access.kind == "acquire":
            self._holders[access.target] = actor
        elif access.kind == "release":
            holder = self._holders.pop(access.target, None)
            if holder != actor:
                raise AssertionError(f"{actor} releases {access.target}, which {holder or 'nobody'} holds.")
        self._advance(actor)

    def check(self) -> None:
        if self._check is not None:
            self._check()

    def blocked(self) -> str:
        return "; ".join(
            f"{name} waits for {access.target}, held by {self._holders[access.target]}"
            for name, access in self._pending.items()
        )

    def close(self) -> None:
        for thread in self._threads.values():
            thread.close()
