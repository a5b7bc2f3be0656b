"""The more requests are inside, the longer each takes: memory to look through, pages to swap, caches to fill.

**Clarify.** What makes a request slow when others are there: a collector that looks at all that lives, swapping,
a lock? Is the service fast again when it is empty? Who waits how long ({patience:.0f} s here), and is told what?

**Estimate.** Let everything take twice as long with {half} requests inside, three times with {twice}. Then n inside get
1 / (1 + n/{half}) of what the service can do. At load {load} it does more than comes as long as fewer than
{half} (1/{load} - 1) = {fixed:.0f} are inside, and less beyond. That number is a fixed point, and an unstable one: from
a little below the service drains, from a little above it fills, with nothing else changed. Even at its best, with all
{workers} workers busy and nobody waiting, it cannot do more than {most:.2f} of its capacity.

**Design.** Whoever comes is let in. A burst of {burst} is beyond that number, and the service never answers in time
again: it works for those who have gone, and is slower the more of them there are. A limit on what is inside is right,
and "two hundred threads" is one too. It lies beyond the fixed point, so nothing is kept from the spiral; it only ends
at two hundred, where the service does {loose:.2f} of its capacity, all too late.

**Deep dive: taking out who has gone.** A cancel is a limit too, of rate times patience: {gone:.0f} inside here, which
is about the fixed point, and the service comes back. With users who wait for three seconds it is three times that, and
some are still not answered at the end.

**Deep dive: the limit.** It has to be below the fixed point of the highest load at which one wants to get away. With
{few} inside the service can do {some:.2f} of its capacity, where with all workers busy and nobody waiting it is
{most:.2f}. Who is turned away is told at once. A line outside, whose places hold no memory, answers more of a burst;
who waits there for half of the patience at most still has time for an answer. A limit that adapts to how long answers
take has to be told what is slow and not how many are too many, and is right where the fixed one was guessed wrong.

**Deep dive: the way back.** Ramp the load up and down again. Without a limit the service does well on the way up, and
on the way down, at the same loads, answers nobody: which of the two states it is in is decided by where it comes from.
Turning everybody away from the first late answer until it is empty also brings it back, and costs those who come
meanwhile. With a limit below the fixed point there is one state only.

**Scale.** A small burst at a low load does nothing: where it stays below the fixed point no limit is needed. Nor is one
a cure for a load above what the service can do at its best.

**Live.** On stage `machine` the service is a process of CPython. Requests hold graphs of objects, and each time that so
many more have been made it calls the collector, which goes over all that lives: the spiral is real, and so is the way
back. At thirty-two starts work took, with {eighty} inside, 1.9 to 7.3 times as long (a straight line: {five:.0f}).
Left to its own rule, which waits until a quarter more lives, the same collector made it .69 to 1.20 times as long: then
looking costs each request about the same, however many are inside. A machine that does other things too is late for
other reasons; a limit that adapts and one that sheds all take that for too many inside.

**Real systems.** The SRE book tells of Java's collector, which runs the more often the fuller memory is: less is left
for requests, they take longer, and hold more; that is known as the GC death spiral. Netflix' concurrency-limits finds
the limit by how long answers take, since it is easy to enforce and hard to know.

**Left open.** A swapping machine, a cold cache after a restart; several servers of which each has its own spiral;
retries.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, repeat
from math import inf
from random import Random
from typing import cast

from windtunnel import Ask, Chart, Experiment, Map, Op, Stage, Why, param, process
from windtunnel.blocks.ground import Refused
from windtunnel.blocks.resilience import Aimd
from windtunnel.catalogue.scale.death_spiral.judging import (
    BACK,
    BURST_S,
    CLAIMS,
    DEMANDS,
    FIGURES,
    LOOP,
    RUN_S,
    SOURCES,
    SPIRAL,
    TOO_MANY,
    WORK_S,
    WORKERS,
    answers,
    audit,
    fixed_point,
    load_at,
    loop,
    measure,
    share_done,
)
from windtunnel.catalogue.scale.death_spiral.real import Happens, Place, RealService, within
from windtunnel.sim import Fifo, Signal, Simulator
from windtunnel.workload import poisson, requests

LOOSE = 200
"""What is said when nobody has counted."""
SLOW = 0.3
"""The part of a caller's patience beyond which the limit that adapts calls an answer slow."""
LATE = 0.5
"""The part of it beyond which everybody is turned away until all have left."""


@dataclass(frozen=True)
class Params:
    """The load, what comes at once, how the service slows down, and how many it lets in."""

    load: float = param(0.4, "share of what the service could do if nobody were inside", 0.2, 0.7)
    half: int = param(20, "requests inside with which everything takes twice as long", 10, 60)
    burst: int = param(60, "requests that come at once", 0, 150)
    peak: float = param(0.0, "load to which it rises and from which it falls again; below the load: it stays", 0.0, 1.5)
    limit: int = param(6, "requests that a limit lets in at a time", 4, 100)
    patience_s: float = param(1.0, "seconds after which nobody waits for an answer any more", 0.5, 3.0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`ask(work_s)`: Poisson arrivals, some of them at once; the work is exponential."""
    most = max(p.load, p.peak)
    times = [t for t in poisson(most * WORKERS / WORK_S, luck, until_s=RUN_S) if luck.random() * most < load_at(p, t)]
    return requests(sorted(chain(times, repeat(BURST_S, p.burst))), "ask", lambda _: (luck.expovariate(1 / WORK_S),))


class Service:
    """Workers that all go slower the more requests are inside."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.server = stage.server("service", workers=WORKERS, discipline=Fifo())
        self.p = p

    @property
    def inside(self) -> int:
        return self.server.inside

    async def serve(self, work_s: float, until_s: float = inf) -> None:
        """Be inside until the work is done, or until then. Raises TimeoutError."""
        job = self.server.serve(work_s)
        self.pace()  # unclaimed: the next to leave would say so, too
        try:
            if until_s == inf:
                await job
            elif not await job.within(until_s):
                job.withdraw()
                raise TimeoutError  # unclaimed: who asked has gone at this moment
        finally:
            self.pace()  # unclaimed: the next to come would say so, too

    def pace(self) -> None:
        """Somebody has come or gone."""
        self.server.set_speed(share_done(self.p, self.inside))


class Unbounded:
    """Whoever comes is let in."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.stage, self.p = stage, p
        self.real = None if stage.name == "sim" else RealService(stage, p)
        self.sim = cast("Simulator", stage.sim if self.real is None else None)  # a real process asks for none
        self.service = Service(stage, p) if self.real is None else self.real
        self.admitted = 0
        self.done_s: list[float] = []

    @process
    async def ask(self, work_s: float) -> None:
        due_s = self.now_s()
        await self.enter()
        spawn = self.sim.spawn if self.real is None else self.real.spawn
        answer = spawn(self.handle(work_s))
        if not await self.within(answer, self.p.patience_s - (self.now_s() - due_s)):
            raise TimeoutError
        answer.result()

    def start(self) -> Awaitable[None] | None:
        """Connect to the process, where there is one."""
        return self.connect(self.real) if self.real is not None else None

    async def connect(self, real: RealService) -> None:
        """The first request may come right after this."""
        await real.program.connect()
        self.zero_s = self.stage.clock()

    def now_s(self) -> float:
        """Seconds since the first request might come."""
        return self.sim.now if self.real is None else self.stage.clock() - self.zero_s

    def within(self, what: Signal[None] | Happens, seconds: float) -> Awaitable[bool]:
        """Whether it happens in that time."""
        return what.within(seconds) if isinstance(what, Signal) else within(what, seconds)

    async def enter(self) -> None:
        """Come in. Raises Refused."""
        if self.admitted >= self.most():
            raise Refused("Too many are inside.")
        self.admitted += 1

    def most(self) -> float:
        """How many may be inside."""
        return inf

    async def handle(self, work_s: float) -> None:
        """What the service does, whoever has gone meanwhile."""
        came_s = self.now_s()
        try:
            await self.service.serve(work_s, self.stays_s())
        finally:
            self.leave()
        self.done_s.append(self.now_s())
        self.took(self.now_s() - came_s)

    def stays_s(self) -> float:
        """How long somebody stays inside at most: nobody is told who has gone."""
        return inf

    def leave(self) -> None:
        """There is a place inside."""
        self.admitted -= 1

    def took(self, seconds: float) -> None:
        """Somebody has been served in that time."""

    def report(self) -> Mapping[str, object] | Awaitable[Mapping[str, object]]:
        return {"done_s": self.done_s} if self.real is None else self.told(self.real)

    async def told(self, real: RealService) -> Mapping[str, object]:
        """With what the process says of its collector."""
        return {"done_s": self.done_s, "collector": await real.report()}

    def stop(self) -> Awaitable[None] | None:
        """Wait for nobody any more."""
        return None if self.real is None else self.real.stop()


class ManyThreads(Unbounded):
    """Two hundred are let in at a time, and the others turned away."""

    def most(self) -> float:
        return LOOSE


class Cancelled(Unbounded):
    """Whoever comes is let in, and taken out again when nobody waits for the answer any more."""

    def stays_s(self) -> float:
        return self.p.patience_s


class LimitInside(Unbounded):
    """Few more are let in than there are workers, and the others turned away."""

    def most(self) -> float:
        return self.p.limit


class LineOutside(LimitInside):
    """The same limit; who is not let in waits outside, but not so long that the answer would come too late."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.line: deque[Signal[None] | Place] = deque()

    async def enter(self) -> None:
        if self.admitted < self.most():
            await super().enter()
            return
        turn = self.stage.signal()
        self.line.append(turn)
        if not await self.within(turn, LATE * self.p.patience_s):
            self.line.remove(turn)
            raise Refused("Too many are inside.")

    def leave(self) -> None:
        if self.line:
            self.line.popleft().set()  # the place goes to the next
        else:
            super().leave()


class Adaptive(Unbounded):
    """The limit grows while answers are quick, and shrinks by a tenth with each that is slow."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.law = Aimd(initial=WORKERS, least=WORKERS, slow_s=SLOW * p.patience_s)

    def most(self) -> float:
        return int(self.law.limit)

    def took(self, seconds: float) -> None:
        self.law.update(seconds, self.admitted + 1, False)  # unclaimed: one more or less inside


class ShedAll(ManyThreads):
    """From the first late answer on everybody is turned away, until nobody is inside."""

    shedding = False

    def most(self) -> float:
        return 0 if self.shedding else LOOSE

    def took(self, seconds: float) -> None:
        self.shedding = self.admitted > 0 and (self.shedding or seconds > LATE * self.p.patience_s)


SAID = Params()
__doc__ = (__doc__ or "").format(
    patience=SAID.patience_s,
    half=SAID.half,
    twice=2 * SAID.half,
    load=SAID.load,
    fixed=fixed_point(SAID),
    workers=WORKERS,
    most=share_done(SAID, WORKERS),
    gone=SAID.load * WORKERS / WORK_S * SAID.patience_s,
    burst=SAID.burst,
    loose=share_done(SAID, LOOSE),
    few=SAID.limit,
    some=share_done(SAID, SAID.limit),
    eighty=4 * SAID.half,
    five=1 / share_done(SAID, 4 * SAID.half),
)

experiment = Experiment(
    title="Death spiral",
    question="The more requests are inside, the longer each takes: from where on is there no way back?",
    params=Params,
    workload=workload,
    designs={
        "unbounded": Unbounded,
        "many_threads": ManyThreads,
        "cancelled": Cancelled,
        "shed_all": ShedAll,
        "fixed_limit": LimitInside,
        "adaptive": Adaptive,
        "line_outside": LineOutside,
    },
    stages=("sim", "machine"),
    measure=measure,
    audit=audit,
    warmup_s=lambda p: 0.0,
    ends_s=lambda p: RUN_S + p.patience_s,
    charts=(
        Chart("Answers in time", "second", "answers a second", answers),
        Chart("Answers by load", "load, up and down again", "share answered", loop),
    ),
    asks=(
        Ask(
            "Sixty come at once at load 0.4. Which share of those who come ten seconds later is answered?",
            "unbounded.end",
            "of the requests",
            0,
            1,
        ),
        Ask("And if two hundred at most are let in?", "many_threads.end", "of the requests", 0, 1),
    ),
    why=(
        Why("Beyond the fixed point more come than go, and the more are inside the fewer go.", SPIRAL),
        Why("A limit beyond the fixed point keeps nothing from it.", TOO_MANY),
        Why("A limit below it leaves one state only.", BACK),
        Why("Which of two states it is in depends on where it comes from.", LOOP),
    ),
    maps=(
        Map(
            "fixed_limit.end > 0.9",
            "limit",
            "load",
            (4, 80),
            (0.2, 0.7),
            line="limit < half * (1 / load - 1)",
            given={"burst": 150},
        ),
        Map(
            "unbounded.end > 0.5",
            "burst",
            x_range=(4, 60),
            line=f"burst < {fixed_point(SAID):.0f} - load * {WORKERS}",
            given={"peak": 0.0},
        ),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "How much does the service get done with n requests inside, and how much comes?",
        "At which n are the two equal? What happens a little below, and what a little above?",
        "Let in fewer than that. Where do the others wait, and until when is it worth while to let them in?",
    ),
    sources=SOURCES,
    seeds=4,
    quick={"patience_s": 0.8},
)
