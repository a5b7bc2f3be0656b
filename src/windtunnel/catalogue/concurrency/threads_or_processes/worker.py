"""The program of `threads-or-processes`: the same work one after the other, in threads, and in processes.

    python worker.py '{"design": "threads", "workers": 2, "work_s": 0.15}'

`["alone", kind]` on the standard input does the work of all workers one after the other, `["together", kind]` at the
same time: `python` is a loop of bytecode, `hash` is hashlib on a large buffer, which lets go of the interpreter's lock.
How much work that is was found out at the start, by the processor time that a little of it takes. Answered with the
time by the wall, the processor time, and what everybody else on the machine used meanwhile, if the system says so.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

TURNS = 20_000
"""Of the loop that is a unit of work."""
BUFFER = bytes(1 << 21)
"""What a unit of the work in C hashes; from 2,048 bytes on hashlib lets go of the lock."""
CALIBRATED_S = 0.02
STARTS = 25
Work = Callable[[], object]


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


def in_threads(work: Work, workers: int) -> None:
    """At the same time, in this process."""
    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def in_processes(work: Work, workers: int) -> None:
    """At the same time, each in a process of its own."""
    children = []
    for _ in range(workers):
        child = os.fork()
        if child == 0:
            work()
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


DESIGNS: Mapping[str, Callable[[Work, int], None]] = {"threads": in_threads, "processes": in_processes}


class Worker:
    """What does the work, and measures."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.together = DESIGNS[told["design"]]
        self.workers: int = told["workers"]
        self.units = {kind: self.sized(work, told["work_s"]) for kind, work in WORK.items()}

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
            case "together", (kind,):
                return self.measured(partial(self.together, partial(WORK[kind], self.units[kind]), self.workers))
            case "start", ():
                took = [self.measured(partial(self.together, int, 1))["wall_s"] for _ in range(STARTS)]
                return {"start_s": min(took)}
        raise ValueError(f"The program is asked for {what}; it answers alone, together and start.")

    def measured(self, call: Work) -> dict[str, Any]:
        """What it takes."""
        machine, cpu, wall = machine_s(), cpu_s(), time.perf_counter()
        call()
        wall, cpu, after = time.perf_counter() - wall, cpu_s() - cpu, machine_s()
        others = None if machine is None or after is None else max(0.0, after - machine - cpu) / wall
        return {"wall_s": wall, "cpu_s": cpu, "others": others}


def main() -> None:
    """Answer until nobody asks any more."""
    worker = Worker(json.loads(sys.argv[1]))
    for line in sys.stdin:
        print(json.dumps(worker.heard(*json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
