"""Where pages are edited: workers that can be stopped, and the edit that takes a while.

In the tunnel a worker is a host of its own, and stands still as a host does. On a real stage it is a program that our
process runs: nothing of it goes on until its stop is over, and what it had sent is on its way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, NamedTuple, TypeVar
from zlib import crc32

from windtunnel import Stage
from windtunnel.sim import NS

T = TypeVar("T")
WORKERS = 8
"""Of each page, who take turns."""
DESKS = 10_000  # unclaimed: so many that nobody waits for one
STORE, DESK = "store", "desk"
SENT_S = 1e-6  # unclaimed: just before
"""What is sent to the store is held up from just before the text is done."""
SOON_S = 0.005  # unclaimed: a little longer than it takes
"""To lock and read where nobody else has it takes a few milliseconds."""
JUST = 0.999  # unclaimed: just before
"""A stop begins just before work would have gone on to its second part."""


class Job(NamedTuple):
    """Somebody's edit of a page.

    Attributes:
        number: no two jobs have the same.
        worker: of the page's own workers, which one does it.
        work_s: seconds from having read the page to having its new text.
        stops_s: so long after the work has begun the worker stops, in its midst.
        stop_s: for so long; 0: it does not.
    """

    number: int
    page: int
    worker: int
    work_s: float
    stops_s: float
    stop_s: float

    @property
    def soon_s(self) -> float:
        """A moment of the time that a lock and a read take where nobody else has it."""
        return SOON_S * self.stops_s / self.work_s

    @property
    def at(self) -> str:
        """The worker's name."""
        return name_of(self.page, self.worker)


def name_of(page: int, worker: int) -> str:
    """What a page's worker is called."""
    return f"worker {page}.{worker}"


class Edit(NamedTuple):
    """A job at work: from having read the page to having its new text (None: never)."""

    number: int
    page: int
    begun_s: float
    done_s: float | None


def added(text: str, number: int) -> str:
    """The text that an edit makes of another: who did it, sealed with what was there before."""
    return f"{text} {number}:{crc32(f'{text} {number}'.encode()):08x}".strip()


def editors(text: str) -> list[int]:
    """Whose edits are in a text, oldest first; it ends where a seal is not that of what stands before."""
    found: list[int] = []
    before = ""
    for part in text.split():
        number = part.partition(":")[0]
        after = added(before, int(number)) if number.isdigit() else ""
        if not after.endswith(part):
            break
        found.append(int(number))
        before = after
    return found


class Program(Generic[T]):
    """A coroutine that can be stopped, on a real loop: nothing of it goes on before the stop is over."""

    def __init__(self, coro: Coroutine[Any, Any, T]) -> None:
        self.coro = coro
        self.until_s = 0.0

    def stop(self, for_s: float) -> None:
        """Stand still from now on."""
        self.until_s = max(self.until_s, asyncio.get_running_loop().time() + for_s)

    def __await__(self) -> Generator[Any, Any, T]:
        steps = self.coro.__await__()
        answer: Any = None
        error: BaseException | None = None
        while True:
            try:
                waits = steps.send(answer) if error is None else steps.throw(error)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # what the coroutine returns
            answer = error = None
            try:
                answer = yield waits
            except BaseException as raised:  # it is told when it goes on
                error = raised
            while (left_s := self.until_s - asyncio.get_running_loop().time()) > 0:
                yield from asyncio.sleep(left_s).__await__()


class Desk:
    """Runs each job where its worker is, and lets its edit take its time.

    Args:
        strikes: "the worker" stops in the midst of the work, or soon after "the start" of the request, or what stops is
            "the way" from the worker to the store, when the text is done.
        pages: each has workers of its own.
    """

    def __init__(self, stage: Stage, strikes: str, pages: int) -> None:
        self.stage = stage
        self.strikes = strikes
        self.server = None
        if stage.name == "sim":
            self.server = stage.server(DESK, workers=DESKS)
            for i in range(pages * WORKERS):
                stage.host(name_of(i // WORKERS, i % WORKERS))
        self.origin_s = 0.0
        self.edits: list[list[Any]] = []
        self.programs: dict[int, Program[Any]] = {}
        self.stopped: set[int] = set()

    def now(self) -> float:
        """Seconds of the run."""
        return self.stage.clock() - self.origin_s

    async def at(self, job: Job, work: Coroutine[Any, Any, T]) -> T:
        """Do it at the job's worker."""
        if self.server is None:
            program = Program(work)
            self.programs[job.number] = program
            if self.strikes == "the start":
                self.stop(job, job.soon_s)
            return await program
        task = self.stage.host(job.at).create_task(work, request=self.stage.request)
        over = self.stage.signal()
        task.add_done_callback(lambda _: over.set())
        if self.strikes == "the start":
            self.stop(job, job.soon_s)
        await over
        found: T = task.result()
        return found

    async def work(self, job: Job, text: str) -> str:
        """The new text, once it is written: the worker may stop meanwhile."""
        edit: list[Any] = [job.number, job.page, self.now(), None]
        self.edits.append(edit)
        if self.strikes == "the worker":
            self.stop(job, JUST * job.stops_s)
        elif self.strikes == "the way":
            self.stop(job, job.work_s - SENT_S)
        for part_s in (job.stops_s, job.work_s - job.stops_s):  # what a stop interrupts goes on where it was
            await (asyncio.sleep(part_s) if self.server is None else self.server.serve(part_s))
        edit[3] = self.now()
        return added(text, job.number)

    def stop(self, job: Job, after_s: float) -> None:
        """What stops does so after a while, once for each job."""
        if not job.stop_s or job.number in self.stopped:
            return
        self.stopped.add(job.number)
        if self.server is None:
            asyncio.get_running_loop().call_later(after_s, self.programs[job.number].stop, job.stop_s)
            return
        sim = self.stage.sim
        if self.strikes == "the way":
            sim.faults.cut(job.at, STORE, at_s=sim.now + after_s, for_s=job.stop_s)
        else:
            sim.call_after(round(after_s * NS), self.stage.host(job.at).pause, job.stop_s)
