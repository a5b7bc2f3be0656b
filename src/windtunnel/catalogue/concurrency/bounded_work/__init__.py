"""Orders come faster than they can be carried out. They wait somewhere, and somebody has been promised something.

**Clarify.** Can who sends orders be made to wait, or do they come whatever happens? What does a yes mean: that the
order is known, or that it is carried out? How long may a process take to end, and may it be killed?

**Estimate.** {workers} orders at once, {work:.0f} ms each, are {capacity:.0f} a second. At load {load:.0f} another
{more:.0f} come in each second that cannot be done: {half:.0f} until half time, which is {backlog:.0f} s of work, and a
process that is told to end has {grace:.0f} s. No queue is long enough for that, as long as it lasts. {places} places
and {workers} at work are {wait:.1f} s.

**Design.** A task for each order, and yes at once: three lines, and nobody ever waits for an answer. Below what the
backend can do it is good enough: few orders are inside, they are done as soon as anywhere else, and a process that ends
has time for them. Above that its memory grows with the time, and so does what is lost when the process ends.

**Deep dive: a semaphore.** It bounds how many ask the backend at once, which spares the backend the orders of a process
that is gone. It does not bound how many wait for it: they wait as tasks, as many as before. A bound on the work is no
bound on the waiting.

**Deep dive: a bounded queue.** `put` waits while the queue is full, and where orders come on their own those who wait
in `put`, without a limit of time, are held as well: memory grows as before, outside of the queue. But they have been
promised nothing, and what is in the queue is done before the process ends, if nobody is let in meanwhile. Back-pressure
bounds something where it comes to who sends: clients that wait for one answer before the next order are never more than
there are of them.

**Deep dive: refusing.** Where nobody can be made to wait one has to say no, at the door, while it is cheap. Memory is
flat then, whoever is let in waits for {wait:.1f} s at most on average, and as much is done as before, since the backend
is never idle. A client who could have waited is refused for nothing: of {clients} that wait for answers most orders
are not done.

**Deep dive: what a yes is worth.** All of these say yes before the work. A process that is killed takes with it what it
has promised, however short its queue is; killed at any place at which it waits, with six orders inside, the first
design loses some at nearly every one. Where the request ends only when its work has ended, and is itself what is
cancelled, there is no such moment: in all places and at both ends of each wait no yes is without its row. Who was told
nothing asks again, and finds by its key what is there already. The price is that a yes takes as long as the work.

**Real systems.** asyncio has queues without a bound unless told otherwise, and `put` waits at the bound. Smith's rule
is that no task outlives the block that began it, which is what a task group is; the last design has it without one,
since each request does its own work. Ronacher misses back-pressure in most of what is asynchronous.

**Left open.** A yes before the work that survives a crash needs a log or a queue on a disk. Who has gone is worked for
all the same, as long as nobody tells (timeout-cascade, overload). The end of a process is played inside of the design
here, as a cancel of all that it runs; what of its bytes a task takes, and what an order, is not modelled: orders are
counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from itertools import starmap
from random import Random
from typing import Any

from windtunnel import Ask, Chart, Experiment, Map, Op, Stage, Why, param
from windtunnel.catalogue.concurrency.bounded_work.judging import (
    AS_MUCH,
    CAPACITY,
    CLAIMS,
    CLOSED,
    DEMANDS,
    FIGURES,
    GROWS,
    KEPT,
    LOSES,
    PROMISES,
    PUSHED,
    SOURCES,
    WORK_S,
    WORKERS,
    audit,
    ends,
    holding,
    measure,
)
from windtunnel.engines import Conflict
from windtunnel.parts import CancelAt
from windtunnel.workload import lognormal, poisson, requests, thinking

TOGETHER = 6
"""Orders of an episode that is cut."""
CONNECTIONS = 64  # unclaimed: with more of them nothing changes


@dataclass(frozen=True)
class Params:
    """How many orders come, how many may wait, and how long a process that has to end may take."""

    load: float = param(2.0, "orders a second, as a share of what the backend can do", 0.1, 3.0)
    run_s: float = param(6.0, "seconds for which orders come", 1.0, 60.0)
    places: int = param(16, "orders that may wait, where that is bounded", 1, 200)
    grace_s: float = param(1.0, "seconds that a process has between being told to end and its end; 0: killed", 0.0, 5.0)
    producers: int = param(
        0, "clients that wait for one answer before the next order; 0: orders come on their own", 0, 40
    )
    cuts: int = param(0, "0: as above; else so many short episodes, the k-th of them killed at its k-th place", 0, 100)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`order(number, work_s)`, and `restart()` at half time and at the end; or `cut(place, works)`."""

    def order(i: int) -> tuple[int, float]:
        return i, lognormal(WORK_S, 0.5, luck)

    if p.cuts:
        for place in range(1, p.cuts + 1):
            works = tuple(lognormal(WORK_S, 0.5, luck) for _ in range(TOGETHER))
            yield Op(0.0, "who cuts", "cut", (place, works), think_s=0.0)
    elif p.producers:
        each = max(1, round(p.load * CAPACITY * p.run_s / p.producers))
        yield from thinking(p.producers, each, 0.0, luck, "order", order)
        yield Op(100 * p.load * p.run_s, "operator", "restart")
    else:
        yield from requests(poisson(p.load * CAPACITY, luck, until_s=p.run_s), "order", order)
        yield Op(p.run_s / 2, "operator", "restart")
        yield Op(p.run_s, "operator", "restart")


class TurnedAway(Exception):
    """Turned away at the door."""

    outcome = "fail"


def told(error: BaseException | None) -> bool | None:
    """What a client heard: yes, no (nothing has happened), or nothing."""
    return True if error is None else False if getattr(error, "outcome", "") == "fail" else None


class Tasks:
    """A task for each order, which is told yes as soon as its task has been made."""

    cutting: CancelAt | None = None

    def __init__(self, stage: Stage, p: Params) -> None:
        self.p = p
        self.backend = stage.server("backend", workers=WORKERS)
        self.db = stage.database("db", connections=CONNECTIONS)
        self.now = stage.clock
        self.done: list[tuple[int, float]] = []
        self.asked: list[int] = []
        self.inside = self.at_backend = 0

    async def start(self) -> None:
        await self.db.create_table("done", {"id": int})
        self.began = self.now()
        self.boot()

    def boot(self) -> None:
        """What a process begins with: nothing of what the last one knew."""
        self.stopping = False
        self.requests: set[asyncio.Task[Any]] = set()
        self.tasks: set[asyncio.Task[Any]] = set()

    async def order(self, number: int, work_s: float) -> None:
        if self.stopping:
            raise TurnedAway
        task = asyncio.current_task()
        assert task is not None
        self.requests.add(task)
        try:
            await self.within(self.take, number, work_s)
        except asyncio.CancelledError:
            raise ConnectionError("The process has ended.") from None
        finally:
            self.requests.discard(task)

    async def take(self, number: int, work_s: float) -> None:
        """Returning says yes."""
        self.begin(self.carry_out, number, work_s)

    async def carry_out(self, number: int, work_s: float) -> None:
        """Let the backend work, and note that it has."""
        self.asked.append(number)
        self.inside += 1
        self.at_backend = max(self.at_backend, self.inside)
        try:
            await self.backend.serve(work_s)
        finally:
            self.inside -= 1
        with suppress(Conflict):  # who was told nothing has asked again, and it stands there
            await self.db.insert("done", {"id": number})
        self.done.append((number, self.now() - self.began))

    async def restart(self) -> None:
        """The process is told to end; what is still there when its time is over goes with it, and another begins."""
        self.stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(self.p.grace_s):
                await self.drained()
        self.kill()
        self.boot()

    async def drained(self) -> None:
        """Wait until everything is done that was said yes to."""
        if self.tasks:
            await asyncio.wait(self.tasks)

    def kill(self) -> None:
        """Cancel everything at once, wherever it is; who comes later finds nobody."""
        self.stopping = True
        for task in (self.requests | self.tasks) - {asyncio.current_task()}:
            task.cancel()

    def begin(self, work: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Run it as a task of the process."""
        task = asyncio.create_task(self.within(work, *args))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def within(self, work: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Do it; in an episode that is cut its awaits are counted."""
        await (work(*args) if self.cutting is None else self.cutting.through(work(*args)))

    async def cut(self, place: int, works: tuple[float, ...]) -> tuple[bool, dict[int, bool | None]]:
        """A process of its own gets some orders and is killed at this place; who has no answer asks the next one.

        Returns whether it came to that place, and what the clients of the orders were told.
        """
        process = copy(self)
        process.cutting = CancelAt(place, process.kill)
        process.boot()
        asked = {place * TOGETHER + i: work_s for i, work_s in enumerate(works)}
        told = await process.ask(asked)
        await process.restart()
        reached, process.cutting = process.cutting.reached, None
        told |= await process.ask({number: asked[number] for number, yes in told.items() if not yes})
        return reached >= place, told

    async def ask(self, orders: Mapping[int, float]) -> dict[int, bool | None]:
        """What becomes of these orders, sent at once: yes, no, or nothing."""
        said = await asyncio.gather(*starmap(self.order, orders.items()), return_exceptions=True)
        return {number: told(error) for number, error in zip(orders, said, strict=True)}

    async def report(self) -> Mapping[str, object]:
        rows = [row["id"] for row in await self.db.select("done")]
        return {"done": self.done, "rows": rows, "asked": len(self.asked), "at_backend": self.at_backend}


class FewAtOnce(Tasks):
    """The same, and a semaphore lets so many tasks ask the backend as it has workers."""

    def boot(self) -> None:
        super().boot()
        self.slots = asyncio.Semaphore(WORKERS)

    async def carry_out(self, number: int, work_s: float) -> None:
        async with self.slots:
            await super().carry_out(number, work_s)


class BackPressure(Tasks):
    """A few workers behind a bounded queue: who finds it full waits, and is told yes when the order is in."""

    def boot(self) -> None:
        super().boot()
        self.queue: asyncio.Queue[tuple[int, float]] = asyncio.Queue(self.p.places)
        for _ in range(WORKERS):
            self.begin(self.work)

    async def work(self) -> None:
        while True:
            await self.carry_out(*await self.queue.get())
            self.queue.task_done()

    async def take(self, number: int, work_s: float) -> None:
        try:
            await self.queue.put((number, work_s))
        except asyncio.CancelledError:
            raise TurnedAway from None

    async def drained(self) -> None:
        """Let nobody in any more, also who has been waiting for that, and wait for those who are."""
        for waiting in self.requests:
            waiting.cancel()
        await self.queue.join()


class Refusing(BackPressure):
    """The same, and who finds it full is refused."""

    async def take(self, number: int, work_s: float) -> None:
        try:
            self.queue.put_nowait((number, work_s))
        except asyncio.QueueFull:
            raise TurnedAway from None


class Structured(FewAtOnce):
    """Who finds too many inside is refused; the others are told yes by the task that has carried the order out."""

    async def take(self, number: int, work_s: float) -> None:
        if len(self.requests) > WORKERS + self.p.places:
            raise TurnedAway
        await self.carry_out(number, work_s)

    async def drained(self) -> None:
        if self.requests:
            await asyncio.wait(self.requests)


SAID = Params()
__doc__ = (__doc__ or "").format(
    workers=WORKERS,
    work=1e3 * WORK_S,
    capacity=CAPACITY,
    load=SAID.load,
    more=(SAID.load - 1) * CAPACITY,
    half=(SAID.load - 1) * CAPACITY * SAID.run_s / 2,
    backlog=(SAID.load - 1) * SAID.run_s / 2,
    grace=SAID.grace_s,
    places=SAID.places,
    wait=(SAID.places + WORKERS) / CAPACITY,
    clients=CLOSED["producers"],
)

experiment = Experiment(
    title="Bounded work",
    question="More orders come than can be carried out: where do they wait, and what becomes of them?",
    params=Params,
    workload=workload,
    designs={
        "tasks": Tasks,
        "semaphore": FewAtOnce,
        "back_pressure": BackPressure,
        "refusing": Refusing,
        "structured": Structured,
    },
    measure=measure,
    audit=audit,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("Orders held", "second", "orders that came and are not done", holding),
        Chart("What clients were told", "what was said", "share of the orders", ends, kind="bars"),
    ),
    asks=(
        Ask(
            "Twice as many orders come as can be done. How many does a process hold at most that says yes to all?",
            "tasks.held",
            "orders",
            1,
            10_000,
            log=True,
        ),
        Ask(
            "A bounded queue lets those wait who find it full. How many orders are held now?",
            "back_pressure.held",
            "orders",
            1,
            10_000,
            log=True,
        ),
        Ask(
            "Who is refused at the door is not held. How long does an order take that is let in?",
            "structured.done_ms",
            "ms at most",
            1,
            100_000,
            log=True,
        ),
    ),
    why=(
        Why("What comes faster than it is done is held somewhere: a semaphore says where, not how much.", GROWS),
        Why("Who waits for a place is held as well, unless that keeps him from sending more.", PUSHED),
        Why("What is refused is not held, and would not have been done: as much is done either way.", AS_MUCH),
        Why("A yes before the work is a promise that dies with the process.", PROMISES),
        Why("Where a request ends only when its work has, nobody is told yes for work that is cancelled.", KEPT),
    ),
    maps=(Map(LOSES, "load", "grace_s", (0.5, 3.0), (0.0, 5.0), line="0.5 * (load - 1) * run_s > grace_s"),),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "Orders come faster than they are carried out. Count, in each design, where the others are.",
        "A yes was said, and the process ends. Who still knows of the order?",
        "Bound who is inside, refuse at the door, and say yes after the work, from the task that has done it.",
    ),
    sources=SOURCES,
    seeds=5,
    quick={"run_s": 4.0, "places": 6, "grace_s": 0.6},
)
