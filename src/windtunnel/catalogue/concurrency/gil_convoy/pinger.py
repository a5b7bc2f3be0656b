"""The process of `gil-convoy` whose one thread asks over the network while others compute.

    python pinger.py '{"interval_s": 0.005}'

`["window", threads, kind, seconds, port]` on the standard input: so many threads compute meanwhile, `python` by
bytecode or `hash` in C, which lets go of the interpreter's lock; one thread sends a datagram to an echo, waits for it,
and sends the next. Answered with the round trips. `["compute", kind, seconds]` computes alone, for the processes
beside, and is answered with the processor time that it got.
"""

from __future__ import annotations

import hashlib
import json
import os
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

    def compute(self, work: Callable[[], None]) -> None:
        """Until it is over."""
        while not self.over:
            work()

    def asked(self, threads: int, kind: str, seconds: float, port: int) -> list[float]:
        """Ask for so long beside so many threads; the round trips."""
        computing = [threading.Thread(target=self.compute, args=(WORK[kind],)) for _ in range(threads)]
        for thread in computing:
            thread.start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((HOST, port))
            trips, begin = list[float](), time.perf_counter()
            now = begin
            while now < begin + seconds:
                sock.send(b"ping")
                sock.recv(16)
                now, last = time.perf_counter(), now
                trips.append(now - last)
        self.over = True
        for thread in computing:
            thread.join()
        return trips


def alone(kind: str, seconds: float) -> float:
    """Compute in this process, with no other thread beside; the processor time that it got."""
    end, cpu = time.perf_counter() + seconds, time.process_time()
    while time.perf_counter() < end:
        WORK[kind]()
    return time.process_time() - cpu


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
        case "compute", (kind, seconds):
            return alone(kind, seconds)
    raise ValueError(f"The process is asked for {what}; it answers echo, window and compute.")


def main() -> None:
    """Answer until nobody asks any more."""
    sys.setswitchinterval(json.loads(sys.argv[1])["interval_s"])
    for line in sys.stdin:
        print(json.dumps(heard(*json.loads(line))), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
