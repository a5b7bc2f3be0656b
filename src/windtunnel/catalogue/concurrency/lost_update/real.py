"""The same counters as real threads write them: explored opcode by opcode, and replayed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from windtunnel.explore import DPOR, RealThreads, explore, replay

MOST = 3_000
"""Schedules after which the search gives up."""
SHARDS = 4
AGAIN = 3
"""How often a schedule that loses is replayed."""


class Counter(Protocol):
    """What threads count with."""

    def add(self, me: int) -> None:
        """Count one; `me` is the number of the thread."""

    def add_by_calls(self, me: int) -> None:
        """The same, where reading and writing are calls."""

    def total(self) -> int:
        """What has been counted."""


class OneStatement:
    """`value += 1`, which is one statement and several opcodes."""

    def __init__(self) -> None:
        self.value = 0

    def add(self, me: int) -> None:
        self.value += 1

    def add_by_calls(self, me: int) -> None:
        self.write(self.read() + 1)

    def read(self) -> int:
        return self.value

    def write(self, value: int) -> None:
        self.value = value

    def total(self) -> int:
        return self.value


class LookedAgain(OneStatement):
    """Writes only what nobody has changed meanwhile, by another look right before it writes."""

    def add(self, me: int) -> None:
        while True:
            seen = self.value
            if self.value == seen:
                self.value = seen + 1
                return

    def add_by_calls(self, me: int) -> None:
        while True:
            seen = self.read()
            if self.read() == seen:
                self.write(seen + 1)
                return


class Locked(OneStatement):
    """The same statement, inside of a lock."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()

    def add(self, me: int) -> None:
        with self.lock:
            super().add(me)

    def add_by_calls(self, me: int) -> None:
        with self.lock:
            super().add_by_calls(me)


class InParts:
    """Each thread has a value of its own, and who wants the total adds them up."""

    def __init__(self) -> None:
        self.parts = [OneStatement() for _ in range(SHARDS)]

    def add(self, me: int) -> None:
        self.parts[me].add(me)

    def add_by_calls(self, me: int) -> None:
        self.parts[me].add_by_calls(me)

    def total(self) -> int:
        return sum(part.total() for part in self.parts)


def program(make: Callable[[], Counter], threads: int) -> RealThreads:
    """So many threads that count once each."""

    def together() -> tuple[Mapping[str, Callable[[], object]], Callable[[], None]]:
        counter = make()

        def check() -> None:
            assert counter.total() == threads, f"{threads} counted, and the total is {counter.total()}."

        return {f"thread {me}": (lambda me=me: counter.add(me)) for me in range(threads)}, check

    return RealThreads(together)


def found_in(make: Callable[[], Counter], threads: int) -> dict[str, float]:
    """Whether a schedule that loses was found, replays as it was each time, or that there is none."""
    threads_of = program(make, threads)
    looked = explore(threads_of, DPOR(), MOST)
    found = looked.failure
    again = [replay(threads_of, found.tape) for _ in range(AGAIN)] if found is not None else []
    return {
        "found": float(found is not None),
        "replays": float(found is not None and all(one is not None and one.steps == found.steps for one in again)),
        "proved": float(looked.complete),
    }


def by_chance(make: Callable[[], Counter], threads: int, times: int, called: bool) -> int:
    """How many counts threads lose that run as they like; `called`: reading and writing are calls."""
    counter = make()
    add = counter.add_by_calls if called else counter.add

    def thread(me: int) -> None:
        for _ in range(times):
            add(me)

    running = [threading.Thread(target=thread, args=(me,)) for me in range(threads)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    return threads * times - counter.total()
