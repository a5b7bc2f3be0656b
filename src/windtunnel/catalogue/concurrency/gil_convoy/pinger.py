"""The process of `gil-convoy` whose one thread asks over the network while others compute.

    python pinger.py '{"interval_s": 0.005}'

`["window", threads, kind, seconds, port]` on the standard input: so many threads compute meanwhile, `python` by
bytecode or `hash` in C, which lets go of the interpreter's lock; one thread sends a datagram to an echo, waits for it,
and sends the next. Answered with the round trips, what was computed, and the process's use of the processor.
`["compute", seconds]` computes alone, for the processes beside.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

HOST = "127.0.0.1"
UNIT = 500
"""Turns of a loop that are a unit of work."""
BUFFER = bytes(1 << 20)
"""What a unit of the work in C hashes; from 2,048 bytes on hashlib lets go of the lock."""


def by_bytecode() -> None:
    """A unit."""
    total = 0
    for i in range(UNIT):
        total += i * i


def in_c() -> None:
    """A unit."""
    hashlib.blake2b(BUFFER).digest()


WORK: Mapping[str, Callable[[], None]] = {"python": by_bytecode, "hash": in_c}


class Turn:
    """A while in which threads compute, and one asks."""

    def __init__(self) -> None:
        self.over = False
        self.units = 0
        self.lock = threading.Lock()

    def compute(self, work: Callable[[], None]) -> None:
        """Until it is over."""
        units = 0
        while not self.over:
            work()
            units += 1
        with self.lock:
            self.units += units

    def asked(self, threads: int, kind: str, seconds: float, port: int) -> dict[str, Any]:
        """Ask for so long beside so many threads."""
        computing = [threading.Thread(target=self.compute, args=(WORK[kind],)) for _ in range(threads)]
        for thread in computing:
            thread.start()
        own, all_of_us = (resource.getrusage(which) for which in (resource.RUSAGE_THREAD, resource.RUSAGE_SELF))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((HOST, port))
            trips, begin = list[float](), time.perf_counter()
            now = begin
            while now < begin + seconds:
                sock.send(b"ping")
                sock.recv(16)
                now, last = time.perf_counter(), now
                trips.append(now - last)
        waits = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw - own.ru_nvcsw
        self.over = True
        for thread in computing:
            thread.join()
        now_used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "trips": trips,
            "waits": waits,
            "units": self.units,
            "cpu_s": now_used.ru_utime + now_used.ru_stime - all_of_us.ru_utime - all_of_us.ru_stime,
        }


def alone(seconds: float) -> dict[str, Any]:
    """Compute in this process, with no other thread beside."""
    end, units, cpu = time.perf_counter() + seconds, 0, time.process_time()
    while time.perf_counter() < end:
        by_bytecode()
        units += 1
    return {"units": units, "cpu_s": time.process_time() - cpu}


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


def heard(what: str, *words: Any) -> Any:
    """One question."""
    match what, words:
        case "echo", ():
            return echo()
        case "window", (threads, kind, seconds, port):
            return Turn().asked(threads, kind, seconds, port)
        case "compute", (seconds,):
            return alone(seconds)
    raise ValueError(f"The process is asked for {what}; it answers echo, window and compute.")


def main() -> None:
    """Answer until nobody asks any more."""
    sys.setswitchinterval(json.loads(sys.argv[1])["interval_s"])
    for line in sys.stdin:
        print(json.dumps(heard(*json.loads(line))), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
