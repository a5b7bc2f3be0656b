"""The process of `gil-convoy` whose one thread asks over the network while others compute, as its design has them.

`["window", workers, kind, seconds, port]`: so many workers compute meanwhile, `python` by bytecode or `hash` in C,
which lets go of the interpreter's lock; one thread sends a datagram to an echo, waits for it, and sends the next. It is
answered with the round trips, the units that each computed from the first to the last of these, in which process each
worker computed, the switch interval meanwhile, the processor time that other threads of this process took, what was
left behind when the design said that it was over, and when each worker ran: it notes the time after a unit, and where
two notes lie further apart than a unit takes it did not run in between. These notes stand in memory that forked
processes share. `["alone", seconds]` computes with nobody beside, and is answered with the processor time of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

HOST = "127.0.0.1"
UNIT = 500
"""Turns of a loop that are a unit of work."""
BUFFER = bytes(1 << 20)
"""What a unit of the work in C hashes; from 2,048 bytes on hashlib lets go of the lock."""
APART_NS = 150_000
"""Notes of a worker further apart than that show that it did not run in between; a unit takes a fifth of it, and the
shortest interval that may be asked for is longer, so that the turn of another is seen."""
LONGEST_S = 10.0
"""No window is as long."""
RUNS = 8_000
"""Most runs that are noted of a worker; what comes after them is not."""
PAIR, NUMBER = struct.Struct("<qq"), struct.Struct("<q")


class Design(Protocol):
    """Where to compute; see `designs.py`."""

    def begin(self, work: Work, workers: int) -> None: ...

    def end(self) -> None: ...


def by_bytecode() -> None:
    """A unit."""
    total = 0
    for i in range(UNIT):
        total += i * i


def in_c() -> None:
    """A unit."""
    hashlib.blake2b(BUFFER).digest()


KINDS: Mapping[str, Callable[[], None]] = {"python": by_bytecode, "hash": in_c}


class Work:
    """What is computed while one talks, and what is noted of it."""

    def __init__(self, kind: str, workers: int, shorter: int) -> None:
        self.work, self.workers, self.shorter = KINDS[kind], workers, shorter
        self.ended, self.latest = mmap.mmap(-1, 1), time.perf_counter() + LONGEST_S
        self.strays = mmap.mmap(-1, 1)
        self.notes = [mmap.mmap(-1, 2 * NUMBER.size + RUNS * PAIR.size + NUMBER.size) for _ in range(workers)]
        """Of each worker: its units, its runs, of each run when it began and when it was last seen, and its process."""
        self.last = [(0, 0)] * workers
        self.here = self.talks = os.getpid()

    def over(self) -> bool:
        """Whether it is; also where nobody is left to say so."""
        return self.ended[0] != 0 or time.perf_counter() > self.latest

    def keep(self, worker: int) -> None:
        """Compute as this worker until it is over; whoever was asked does one unit at least, however late it begins."""
        self.unit(worker)
        while not self.over():
            self.unit(worker)

    def unit(self, worker: int) -> None:
        """Compute one unit. Who does it in a process of its own has a session of its own, as a service has.

        And ends in the middle of it where the window has long been over, or there is nobody any more who talks.
        """
        if os.getpid() != self.here:
            self.here = os.getpid()
            with contextlib.suppress(OSError):  # it leads one
                os.setsid()
        if self.here != self.talks and (time.perf_counter() > self.latest or not there(self.talks)):
            os._exit(1)
        self.work()
        now, notes = time.perf_counter_ns(), self.notes[worker]
        units, runs = PAIR.unpack_from(notes)
        begin, last = self.last[worker]
        if now - last > APART_NS:
            begin, runs = now, runs + 1
        self.last[worker] = begin, now
        PAIR.pack_into(notes, 0, units + 1, runs)
        if runs <= RUNS:
            PAIR.pack_into(notes, runs * PAIR.size, begin, now)
        NUMBER.pack_into(notes, len(notes) - NUMBER.size, self.here)

    def units(self) -> list[int]:
        """What each has computed until now."""
        return [NUMBER.unpack_from(notes)[0] for notes in self.notes]

    def processes(self) -> list[int]:
        """In which process each worker computed last; 0 where it never did."""
        return [NUMBER.unpack_from(notes, len(notes) - NUMBER.size)[0] for notes in self.notes]

    def seen(self, origin_ns: int) -> dict[str, Any]:
        """The runs of each worker, in seconds since that moment, and in which process it computed."""
        runs = []
        for notes in self.notes:
            _, count = PAIR.unpack_from(notes)
            pairs = [PAIR.unpack_from(notes, i * PAIR.size) for i in range(1, min(count, RUNS) + 1)]
            runs.append([((begin - origin_ns) / 1e9, (last - origin_ns) / 1e9) for begin, last in pairs])
        return {"runs": runs, "of": self.processes()}


def window(design: Design, shorter: int, workers: int, kind: str, seconds: float, port: int) -> dict[str, Any]:
    """Ask for so long while so many compute."""
    work, here = Work(kind, workers, shorter), os.getpid()
    threads, usual_s = threading.active_count(), sys.getswitchinterval()
    design.begin(work, workers)
    if os.getpid() != here:  # a child that should have computed and ended comes back as if it were its parent
        work.strays[0] = 1
        os._exit(1)
    interval_s, beside_s = sys.getswitchinterval(), time.process_time() - time.thread_time()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((HOST, port))
        trips, units, origin_ns, begin = list[float](), work.units(), time.perf_counter_ns(), time.perf_counter()
        now = begin
        while now < begin + seconds:
            sock.send(b"ping")
            sock.recv(16)
            now, last = time.perf_counter(), now
            trips.append(now - last)
    beside_s = time.process_time() - time.thread_time() - beside_s
    computed = [after - before for after, before in zip(work.units(), units, strict=True)]
    work.ended[0] = 1
    design.end()
    go_on = any(there(process) for process in work.processes() if process not in (0, here))
    left = [threading.active_count() > threads, children(), sys.getswitchinterval() != usual_s, work.strays[0], go_on]
    told: dict[str, Any] = {
        "here": here,
        "interval_s": interval_s,
        "beside_s": beside_s,
        "left_behind": sum(map(bool, left)),
    }
    told["units"] = computed
    return {"trips": trips, **told, **work.seen(origin_ns)}


def children() -> bool:
    """Whether there are any that nobody has waited for."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def there(process: int) -> bool:
    """Whether there is such a process, of whomever."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def alone(seconds: float) -> dict[str, float]:
    """Compute with no other thread beside; the processor time that it got, and its units."""
    work, cpu = Work("python", 1, 1), time.process_time()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        work.unit(0)
    return {"cpu_s": time.process_time() - cpu, "units": sum(work.units())}


def echo() -> int:
    """Begin to send back what comes, in a thread of this process, which does nothing else; the port."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((HOST, 0))

    def answers() -> None:
        while True:
            data, source = sock.recvfrom(16)
            sock.sendto(data, source)

    threading.Thread(target=answers, daemon=True).start()
    return int(sock.getsockname()[1])


def heard(design: Design | None, told: Mapping[str, Any], what: str, *words: Any) -> Any:
    """One question."""
    match what, words:
        case "echo", ():
            return echo()
        case "window", (workers, kind, seconds, port) if design is not None:
            return window(design, told["shorter"], workers, kind, seconds, port)
        case "alone", (seconds,):
            return alone(seconds)
        case "well", ():
            return True
    raise ValueError(f"The process is asked for {what}; it answers echo, window, alone and well.")


def begin(told: Mapping[str, Any], design: Design | None = None) -> Callable[..., Any]:
    """What answers."""
    return partial(heard, design, told)
