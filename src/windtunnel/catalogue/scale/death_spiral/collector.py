"""The service as a real process, which CPython's own collector slows down. This file is its program.

    python collector.py SOCKET '{"half": 20, "alone_s": 0.0125, "work_s": 0.05}'

Each request holds a graph of objects that refer to each other, from its arrival until it is done or taken back. Its
work is to make more such objects and to let go of them; each time that so many have been made the service has the
collector look for them, as one does that has to stay within its memory, and that look goes over all that lives. One
thread works, first come, first served; a request of `work_s` takes it `alone_s` with nobody else inside.

At its start the process measures how long its work and a look take here, and sizes the graphs so that with `half`
requests inside a look should take as long as the work between two, and how much longer work takes with many inside:
so, and where the collector is left to its own rule, which waits until a quarter more lives. How long each look took
while it served `gc.callbacks` says; `["report"]` is answered by what all that comes to.
"""

from __future__ import annotations

import asyncio
import gc
import json
import queue
import sys
import threading
import time
from collections.abc import Mapping
from random import Random
from statistics import median
from typing import Any

from windtunnel.engines import answer_calls, come_first

BETWEEN = 5
"""Looks for each mean request's work."""
CALIBRATED_S = 0.4
TRIAL = 400
"""Objects of a graph while that is measured."""
FULL = 3
"""So many times `half` are inside then; and as often each is replaced, since a heap that is in use is scattered."""
MANY, REQUESTS, PAIRS = 4, 10, 3
"""Times `half` that are inside, and requests that are done meanwhile, where it is measured what both rules cost; how
often, many beside none, since what else this machine does changes what a step costs."""
CHAIN = 20
"""Objects that one step of the work makes."""


class Node:
    """An object that holds another, and is held."""

    __slots__ = ("held", "holds")

    def __init__(self, holds: object) -> None:
        self.holds = [holds]
        self.held: object = None


def graph(objects: int) -> Node:
    """A ring of so many: a node and its list are two of them."""
    first = last = Node(None)
    for _ in range(objects // 2 - 1):
        node = Node(last)
        last.held = node
        last = node
    last.held = first
    first.holds[0] = last
    return first


def step() -> None:
    """A little work, whose rubbish only the collector finds."""
    for _ in range(CHAIN):
        node = Node(None)
        node.held = node


class Request:
    """What somebody asks for, and what is kept of it meanwhile."""

    def __init__(self, steps: int, objects: int) -> None:
        self.left = steps
        self.keeps: Node | None = graph(objects)
        self.answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()


class Looks:
    """How long the collector took each time that it went over everything; `gc.callbacks` says so."""

    def __init__(self) -> None:
        self.inside = 0
        self.worst_s = self.all_s = 0.0
        self.count = 0
        self.sums = [0.0] * 4
        """Of those inside, of the seconds of processor time that a look took, of the squares of the first, and of the
        products: what a straight line through them needs."""
        self.begun = self.begun_cpu = 0.0
        gc.callbacks.append(self.heard)

    def heard(self, phase: str, about: Mapping[str, int]) -> None:
        """A look begins, or has ended."""
        if phase == "start":
            self.begun, self.begun_cpu = time.perf_counter(), time.thread_time()
            return
        took_s = time.perf_counter() - self.begun
        self.all_s += took_s
        self.worst_s = max(self.worst_s, took_s)
        if about["generation"] == 2:
            self.count += 1
            n, cpu_s = self.inside, time.thread_time() - self.begun_cpu
            self.sums = [a + b for a, b in zip(self.sums, (n, cpu_s, n * n, n * cpu_s), strict=True)]

    def slope_s(self) -> float:
        """Seconds by which one more inside makes a look longer."""
        n, cpu_s, squares, products = self.sums
        spread = self.count * squares - n * n
        return (self.count * products - n * cpu_s) / spread if spread else 0.0


class Service:
    """The requests inside, the thread that works for them, and what it has measured of itself."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.work_s: float = told["work_s"]
        gc.collect()
        gc.freeze()  # what the program itself is made of is not looked at again
        begun, cpu, steps = time.perf_counter(), time.thread_time(), 0
        while time.perf_counter() - begun < CALIBRATED_S:
            step()
            steps += 1
        self.cpu_s: float = (time.thread_time() - cpu) / steps
        """Processor time of a step; by the wall it takes what this machine leaves us."""
        self.steps: int = round(told["alone_s"] / ((time.perf_counter() - begun) / steps))
        self.between: int = max(1, self.steps // BETWEEN)
        self.objects: int = self.sized(told["half"])
        gc.collect()
        self.since = 0
        many = MANY * told["half"]
        self.slower = [median(self.law(many, own) / self.law(0, own) for _ in range(PAIRS)) for own in (False, True)]
        self.looks = Looks()
        self.born = time.perf_counter()
        self.waiting: queue.SimpleQueue[Request] = queue.SimpleQueue()
        threading.Thread(target=self.serve, daemon=True).start()

    def sized(self, half: int) -> int:
        """Objects of a graph with which a look takes as long as the work between two, with so many inside."""
        luck, cpu_s, looks = Random(0), 0.0, 0
        kept = [graph(TRIAL) for _ in range(FULL * half)]
        for turn in range(FULL * len(kept)):
            for _ in range(self.between // FULL):
                step()
            kept[luck.randrange(len(kept))] = graph(TRIAL)
            if turn % FULL == 0:
                begun = time.thread_time()
                gc.collect()
                if turn > len(kept):
                    cpu_s, looks = cpu_s + time.thread_time() - begun, looks + 1
        return max(4, round(TRIAL * FULL * self.between * self.cpu_s * looks / cpu_s))

    async def heard(self, what: str, *words: Any) -> Any:
        """One call."""
        match what, words:
            case "ask", (work_s,):
                return await self.ask(round(self.steps * work_s / self.work_s))
            case "report", ():
                return {
                    "pause_s": self.looks.worst_s,
                    "looking": self.looks.all_s / (time.perf_counter() - self.born),
                    "half_seen": self.between * self.cpu_s / slope_s if (slope_s := self.looks.slope_s()) else 0.0,
                    "objects": self.objects,
                    "looks": self.looks.count,
                    "slower": self.slower[0],
                    "slower_own": self.slower[1],
                }
        raise ValueError(f"The service is asked for {what}; it answers ask and report.")

    async def ask(self, steps: int) -> bool:
        request = Request(steps, self.objects)
        self.looks.inside += 1
        self.waiting.put(request)
        try:
            return await request.answer
        finally:
            request.keeps = None
            request.left = 0  # taken back: nobody goes on with it
            self.looks.inside -= 1

    def serve(self) -> None:
        """The life of the thread that works."""
        while True:
            request = self.waiting.get()
            while request.left > 0:
                request.left -= 1
                self.work()
            request.answer.get_loop().call_soon_threadsafe(self.done, request)

    def work(self, *, own: bool = False) -> None:
        """A step, and a look where it is time for one."""
        step()
        self.since += 1
        if self.since >= self.between and not own:
            self.since = 0
            gc.collect()

    @staticmethod
    def done(request: Request) -> None:
        """In the loop again."""
        if not request.answer.done():
            request.answer.set_result(True)

    def law(self, inside: int, own: bool) -> float:
        """Processor time of a mean request's work with so many inside; each that is done goes, and another comes."""
        kept = [graph(self.objects) for _ in range(inside)]
        gc.collect()
        cpu = time.thread_time()
        for done in range(REQUESTS):
            for _ in range(self.steps):
                self.work(own=own)
            if kept:
                kept[done % inside] = graph(self.objects)
        return (time.thread_time() - cpu) / REQUESTS


async def main() -> None:
    """Serve until killed."""
    service = Service(json.loads(sys.argv[2]))
    await answer_calls(sys.argv[1], service.heard)


if __name__ == "__main__":
    come_first()
    asyncio.run(main())
