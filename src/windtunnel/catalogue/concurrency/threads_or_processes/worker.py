"""The program of `threads-or-processes`: the same work one after the other, and as a design does it together.

`["alone", kind]` does the pieces of all workers one after the other, `["together", kind]` as the design does: `python`
is a loop of bytecode, `hash` is hashlib on a large buffer, which lets go of the interpreter's lock, `little` is hardly
anything. `["interpreters"]` does pieces of `python` in interpreters of this process with a lock each, where this Python
has them. How much work that is was found out at the start, by the processor time that a little of it takes. Answered
with the time by the wall, the processor time, what everybody else on the machine used meanwhile, if the system says so,
whether a process is left that nobody has waited for, and of each piece how often it was done, from when to when, with
how much processor time, and in which process: in memory that forked processes share.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import mmap
import os
import resource
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

TURNS = 20_000
"""Of the loop that is a unit of work."""
BUFFER = bytes(1 << 21)
"""What a unit of the work in C hashes; from 2,048 bytes on hashlib lets go of the lock."""
CALIBRATED_S = 0.02
STARTS = 25
LONG_S = 1.0
"""What is said of a piece whose start is timed: a design shall do with it what it does with long ones."""
NOTE = struct.Struct("<qqqqq")
"""Of a piece: how often it was done, when it began and ended, and what it took, in nanoseconds; and in which process.
"""


class Design(Protocol):
    """What is measured; see `designs.py`."""

    def together(self, work: Callable[[int], object], pieces: int, kind: str, seconds: float) -> None: ...


def by_bytecode(units: int) -> None:
    """So many units."""
    for _ in range(units):
        total = 0
        for i in range(TURNS):
            total += i


def in_c(units: int) -> None:
    """So many units."""
    for _ in range(units):
        hashlib.blake2b(BUFFER).digest()


WORK: Mapping[str, Callable[[int], None]] = {"python": by_bytecode, "hash": in_c}


def lent() -> Any:
    """What makes interpreters with a lock each (PEP 684); None before 3.12, and where this Python has it not."""
    version = tuple(sys.version_info)
    with contextlib.suppress(ImportError):
        if version >= (3, 12):
            return import_module("_interpreters" if version >= (3, 13) else "_xxsubinterpreters")
    return None


def cpu_s() -> float:
    """Of this process and of its children that have ended."""
    used = [resource.getrusage(which) for which in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def machine_s() -> float | None:
    """Processor time of everybody since the machine was started; None where the system does not say."""
    try:
        words = Path("/proc/stat").read_text("ascii").partition("\n")[0].split()
    except OSError:
        return None
    user, nice, system, _, _, irq, soft, steal = (int(word) for word in words[1:9])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def children() -> bool:
    """Whether there are any that nobody has waited for."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


class Pieces:
    """What is done of some pieces of work, also in processes that are forked."""

    def __init__(self, count: int, work: Callable[[], object]) -> None:
        self.count, self.work = count, work
        self.notes = mmap.mmap(-1, count * NOTE.size)

    def do(self, piece: int) -> None:
        """One of them."""
        begin, took = time.perf_counter_ns(), time.thread_time_ns()
        self.work()
        end, took = time.perf_counter_ns(), time.thread_time_ns() - took
        done, *_ = NOTE.unpack_from(self.notes, piece * NOTE.size)
        NOTE.pack_into(self.notes, piece * NOTE.size, done + 1, begin, end, took, os.getpid())

    def seen(self) -> list[list[int]]:
        """How often each was done, from when to when, with how much processor time, and in which process."""
        return [list(NOTE.unpack_from(self.notes, piece * NOTE.size)) for piece in range(self.count)]


class Worker:
    """Does the work, and measures."""

    def __init__(self, workers: int, work_s: float, design: Design) -> None:
        self.workers, self.work_s, self.design = workers, work_s, design
        self.units = {kind: self.sized(work, work_s) for kind, work in WORK.items()}

    def sized(self, work: Callable[[int], None], work_s: float) -> int:
        """Units that take one processor so long."""
        units, begin = 0, time.process_time()
        while time.process_time() < begin + CALIBRATED_S:
            work(1)
            units += 1
        return max(1, round(work_s * units / (time.process_time() - begin)))

    def heard(self, what: str, *words: Any) -> Any:
        """One question."""
        match what, words:
            case "alone", (kind,):
                return self.measured(partial(WORK[kind], self.units[kind] * self.workers))
            case "together", ("little",):
                return self.done(by_bytecode, 1, "python", 0.0)
            case "together", (kind,):
                return self.done(WORK[kind], self.units[kind], kind, self.work_s)
            case "interpreters", ():
                return self.in_interpreters(lent())
            case "start", ():
                took = [self.done(by_bytecode, 0, "python", LONG_S, 1)["wall_s"] for _ in range(STARTS)]
                return {"start_s": min(took)}
            case "well", ():
                return True
        raise ValueError(f"The program is asked for {what}; it answers alone, together, interpreters, start, well.")

    def in_interpreters(self, lent: Any) -> dict[str, Any] | None:
        """The loop of bytecode in as many interpreters of this process, a thread for each; None where it has none.

        They are made before, since that is no work: an interpreter begins with an empty list of modules. A function of
        ours cannot be handed over, so they get its text.
        """
        if lent is None:
            return None
        began = time.perf_counter()
        ours = [lent.create() for _ in range(self.workers)]
        start_s = (time.perf_counter() - began) / self.workers
        text = f"TURNS = {TURNS}\n{inspect.getsource(by_bytecode)}\nby_bytecode({self.units['python']})"
        threads = [threading.Thread(target=lent.run_string, args=(one, text)) for one in ours]

        def work() -> None:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        found = self.measured(work)
        for one in ours:
            lent.destroy(one)
        return {**found, "start_s": start_s}

    def done(
        self, work: Callable[[int], None], units: int, kind: str, seconds: float, count: int = 0
    ) -> dict[str, Any]:
        """Pieces of so many units as the design does them; one for each worker, or so many."""
        pieces = Pieces(count or self.workers, partial(work, units))
        found = self.measured(partial(self.design.together, pieces.do, pieces.count, kind, seconds))
        return {**found, "left": children(), "pieces": pieces.seen(), "here": os.getpid()}

    def measured(self, call: Callable[[], object]) -> dict[str, Any]:
        """What it takes."""
        machine, cpu, wall = machine_s(), cpu_s(), time.perf_counter()
        call()
        wall, cpu, after = time.perf_counter() - wall, cpu_s() - cpu, machine_s()
        others = None if machine is None or after is None else (after - machine - cpu) / wall
        return {"wall_s": wall, "cpu_s": cpu, "others": others}


def begin(told: Mapping[str, Any], design: Design) -> Callable[..., Any]:
    """What answers."""
    return Worker(told["workers"], told["work_s"], design).heard
