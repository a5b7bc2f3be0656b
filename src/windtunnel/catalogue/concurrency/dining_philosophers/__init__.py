"""Five who share five forks: each takes the left one, and waits for the right one for ever.

**Clarify.** Four things make a deadlock: a fork has one user, who holds one may wait for another, nobody takes a fork
away, and the waiting closes a circle. Which of them may the rule break, and what is paid for it: dinners, long waits,
work done twice, or seats that are fed less than others?

**Estimate.** Let everybody think for a second, work for a while with the left fork before the right one is needed (the
gap), and eat for a tenth of a second, all exponential. Then a table is a Markov chain that ends in the deadlock. With a
gap of half a second five live for {half:.0f} s on average, with a tenth {tenth:.0f} s, a hundredth {days:.0f} days.
So a test seldom sees it, and where the gap is a thousandth of a second left first is good enough.

**Design.** Two who dine once each can do so in eight ways, and four of them end in the deadlock: no luck is needed to
find it when all schedules are tried. All states of a small table are searched here, in the very code that runs at the
large ones, whatever thinking, the gap and eating take. Left first has states in which nobody can go on. No other rule
here has one, and for that there is a proof, of tables of {seats}.

**Deep dive: give up.** A limit for the wait, a random pause, and another try break "nobody takes a fork away". No
state is stuck, but there is a run in which all give up, come back and give up, and nobody ever eats. Random pauses make
that improbable, and the first work is done again for each try. To detect the circle and let who closes it go back does
less work twice; but nothing keeps the same one from being the victim again. With both rules the worst waits are longer.

**Deep dive: starving.** No deadlock is not yet a dinner for everybody. Both forks or none, without a queue, has a run
in which one is woken and finds, each time, that others were faster. One lock, a waiter, ordered forks, and the dirty
forks of Chandy and Misra have none, where each lock is given to those who wait in the order of coming.

**Deep dive: which order.** Forks with numbers, the lower one first, close no circle. But numbers around the table make
chains, in which one holds a fork and waits for one who holds a fork and waits. Even forks first makes neighbours want
the same fork first, so that who waits holds none: more dinners from the same forks. Any order feeds some seats less;
dirty forks, which are given away when asked for and kept while they are clean, feed all the same.

**Scale: what each costs.** One lock serves one where two could eat. A waiter with four chairs is no help where dinners
are long: three hold a fork and wait. Both or none serves most then, since who waits holds nothing. Dirty forks need no
lock and no waiter, but hold both forks through the first work, and serve less.

**Real systems.** Linux' lockdep notes in which order locks are taken and warns of a circle that no run has closed yet.
PostgreSQL looks for a circle when somebody has waited for a second (`deadlock_timeout`).

**Left open.** Locks that promise no order, as CPython's: there a waiter can be overtaken, and what is proved of
starving here is not proved. Both or none with a bound on how often one may be passed over. Forks on several machines,
where the messages of dirty forks get lost. A choice of the victim by age. Drawing lots, as Lehmann and Rabin do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from windtunnel import Ask, Chart, Experiment, Map, Op, Stage, Why, param, process
from windtunnel.catalogue.concurrency.dining_philosophers.chain import deadlock_s
from windtunnel.catalogue.concurrency.dining_philosophers.judging import (
    CHAINS,
    CLAIMS,
    DEMANDS,
    FIGURES,
    IN_VAIN,
    LIVELOCK,
    NEVER_STUCK,
    NOBODY_STARVES,
    ONE_AT_A_TIME,
    SOURCES,
    STARVES,
    STUCK,
    audit,
    goes_wrong,
    measure,
    schedules,
    survival,
    who_waits,
)
from windtunnel.catalogue.concurrency.dining_philosophers.proving import proved
from windtunnel.sim import Lock, Semaphore, Signal
from windtunnel.workload import thinking


@dataclass(frozen=True)
class Params:
    """How many sit at a table, and what they do with their time."""

    seats: int = param(5, "philosophers at a table, and forks", 2, 7)
    think_s: float = param(1.0, "seconds that a philosopher thinks after a dinner, on average", 0.5, 5.0)
    gap_s: float = param(0.5, "seconds of work with the first fork before the second is needed, on average", 0.001, 1.0)
    eat_s: float = param(0.1, "seconds of work with both, on average", 0.05, 1.0)
    patience_s: float = param(1.0, "seconds that who gives up waits for the second fork", 0.05, 5.0)
    tables: int = param(6, "tables, which have nothing to do with each other", 1, 40)
    run_s: float = param(60.0, "seconds of a run", 20.0, 80.0)
    proved_seats: int = param(3, "seats of the table of which all states are searched", 2, 3)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`dine(table, seat, gap_s, eat_s)`: each philosopher thinks, dines, and thinks again."""
    most = p.run_s / (p.think_s + p.gap_s + p.eat_s)
    everybody = p.tables * p.seats

    def dinner(i: int) -> tuple[int, int, float, float]:
        table, seat = divmod(i % everybody, p.seats)
        return table, seat, luck.expovariate(1 / p.gap_s), luck.expovariate(1 / p.eat_s)

    # More dinners than there is time for.
    return thinking(everybody, int(most + 5 * most**0.5 + 5), p.think_s, luck, "dine", dinner)


class LeftFirst:
    """Take the left fork, then the right one, and wait for each as long as it takes."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.stage = stage
        self.sim = stage.sim
        self.p = p
        self.hands = stage.server("hands", workers=p.tables * p.seats)
        self.plates = stage.server("plates", workers=p.tables * p.seats)
        self.tables = [self.laid(table) for table in range(p.tables)]

    def laid(self, table: int) -> list[Lock]:
        """The forks of a table: fork i lies to the left of philosopher i."""
        return [Lock(self.sim, f"fork {i}") for i in range(self.p.seats)]

    def forks(self, table: int, seat: int) -> tuple[Lock, Lock]:
        """The two of a philosopher, in the order in which they are taken."""
        laid = self.tables[table]
        return laid[seat], laid[(seat + 1) % self.p.seats]

    @process
    async def dine(self, table: int, seat: int, gap_s: float, eat_s: float) -> None:
        first, second = self.forks(table, seat)
        async with first:
            await self.hands.serve(gap_s)
            async with second:
                await self.plates.serve(eat_s)

    def report(self) -> Mapping[str, object]:
        """What the harness's servers counted, and what a search of all states of this design says."""
        design: Any = type(self)
        told = proved(design, replace(self.p, seats=self.p.proved_seats, tables=1, run_s=20.0))
        return {"begun": self.hands.read().arrivals, **told}


class GiveUp(LeftFirst):
    """Wait for the second fork for a while; then put the first down, wait a random time, and try again."""

    @process
    async def dine(self, table: int, seat: int, gap_s: float, eat_s: float) -> None:
        first, second = self.forks(table, seat)
        while True:
            async with first:
                await self.hands.serve(gap_s)
                try:
                    await second.acquire(self.p.patience_s)
                except TimeoutError:
                    pass
                else:
                    try:
                        await self.plates.serve(eat_s)
                        return
                    finally:
                        second.release()
            await self.sim.sleep(self.stage.luck("back-off").uniform(0.0, self.p.patience_s))


class OneLock(LeftFirst):
    """One lock for the table: who has it takes both forks."""

    def laid(self, table: int) -> list[Lock]:
        return [Lock(self.sim, "table")]

    @process
    async def dine(self, table: int, seat: int, gap_s: float, eat_s: float) -> None:
        async with self.tables[table][0]:
            await self.hands.serve(gap_s)
            await self.plates.serve(eat_s)


class BothOrNone(LeftFirst):
    """Take both forks at once when both are free, and wait without any until then."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.taken = [[False] * p.seats for _ in range(p.tables)]
        self.hungry: list[list[Signal[None]]] = [[] for _ in range(p.tables)]

    @process
    async def dine(self, table: int, seat: int, gap_s: float, eat_s: float) -> None:
        taken, left, right = self.taken[table], seat, (seat + 1) % self.p.seats
        while taken[left] or taken[right]:
            turn = self.sim.signal()
            self.hungry[table].append(turn)
            await turn
        taken[left] = taken[right] = True
        await self.hands.serve(gap_s)
        await self.plates.serve(eat_s)
        taken[left] = taken[right] = False
        woken, self.hungry[table] = self.hungry[table], []
        for turn in woken:
            turn.set()


class Detect(LeftFirst):
    """Who would close a circle of waiting puts the first fork down instead, and begins anew."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.holds = [[-1] * p.seats for _ in range(p.tables)]
        self.wants = [[-1] * p.seats for _ in range(p.tables)]

    def closes(self, table: int, seat: int, fork: int) -> bool:
        """Whether whoever holds this fork waits, by way of others, for us."""
        holds, wants = self.holds[table], self.wants[table]
        while fork >= 0 and holds[fork] not in (-1, seat):
            fork = wants[holds[fork]]
        return fork >= 0 and holds[fork] == seat

    @process
    async def dine(self, table: int, seat: int, gap_s: float, eat_s: float) -> None:
        holds, wants, left, right = self.holds[table], self.wants[table], seat, (seat + 1) % self.p.seats
        first, second = self.forks(table, seat)
        while True:
            async with first:
                holds[left] = seat
                await self.hands.serve(gap_s)
                if not self.closes(table, seat, right):
                    wants[seat] = right
                    async with second:
                        holds[right], wants[seat] = seat, -1
                        await self.plates.serve(eat_s)
                        holds[left] = holds[right] = -1
                    return
                holds[left] = -1


class Ordered(LeftFirst):
    """Forks have numbers, and everybody takes the lower one first."""

    def forks(self, table: int, seat: int) -> tuple[Lock, Lock]:
        left, right = super().forks(table, seat)
        return (right, left) if seat == self.p.seats - 1 else (left, right)


class EvenFirst(LeftFirst):
    """Another order of the same forks: everybody takes the even one first, so that nobody waits for a long chain."""

    def forks(self, table: int, seat: int) -> tuple[Lock, Lock]:
        left, right = super().forks(table, seat)
        return (left, right) if seat % 2 == 0 and seat != self.p.seats - 1 else (right, left)


class Waiter(LeftFirst):
    """A waiter lets all but one sit down; whoever sits takes the left fork first."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.chairs = [Semaphore(self.sim, p.seats - 1, "chairs") for _ in range(p.tables)]

    @process
    async def dine(self, table: int, seat: int, gap_s: float, eat_s: float) -> None:
        first, second = self.forks(table, seat)
        async with self.chairs[table], first:
            await self.hands.serve(gap_s)
            async with second:
                await self.plates.serve(eat_s)


class DirtyForks(LeftFirst):
    """Chandy and Misra: a fork that was used is given to the neighbour who asks; one that was just given is kept."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.owner = [[min(i, (i - 1) % p.seats) for i in range(p.seats)] for _ in range(p.tables)]
        self.dirty = [[True] * p.seats for _ in range(p.tables)]
        self.asked = [[False] * p.seats for _ in range(p.tables)]
        self.eats = [[False] * p.seats for _ in range(p.tables)]
        self.turn: list[list[Signal[None] | None]] = [[None] * p.seats for _ in range(p.tables)]

    def give(self, table: int, fork: int) -> None:
        """Clean the fork and hand it to the other of the two; who gives it and is hungry asks for it at once."""
        owner = self.owner[table][fork]
        other = fork if owner != fork else (fork - 1) % self.p.seats
        self.owner[table][fork], self.dirty[table][fork] = other, False
        self.asked[table][fork] = self.turn[table][owner] is not None
        turn = self.turn[table][other]
        if turn is not None and self.has_both(table, other):
            turn.set()

    def has_both(self, table: int, seat: int) -> bool:
        """Whether both forks of a philosopher are his."""
        return self.owner[table][seat] == self.owner[table][(seat + 1) % self.p.seats] == seat

    @process
    async def dine(self, table: int, seat: int, gap_s: float, eat_s: float) -> None:
        both = seat, (seat + 1) % self.p.seats
        turn = self.turn[table][seat] = self.sim.signal()
        for fork in both:
            owner = self.owner[table][fork]
            if owner != seat:
                self.asked[table][fork] = True
                if self.dirty[table][fork] and not self.eats[table][owner]:
                    self.give(table, fork)
        if not self.has_both(table, seat):
            await turn
        self.turn[table][seat], self.eats[table][seat] = None, True
        await self.hands.serve(gap_s)
        await self.plates.serve(eat_s)
        self.eats[table][seat] = False
        for fork in both:
            self.dirty[table][fork] = True
            if self.asked[table][fork]:
                self.give(table, fork)


SAID = Params()
__doc__ = (__doc__ or "").format(
    half=deadlock_s(5, 1.0, 0.5, 0.1),
    tenth=deadlock_s(5, 1.0, 0.1, 0.1),
    days=deadlock_s(5, 1.0, 0.01, 0.1) / 86_400,
    seats=SAID.proved_seats,
)

experiment = Experiment(
    title="Dining philosophers",
    question="Five threads need two locks each: which rule keeps them from waiting for each other for ever?",
    params=Params,
    workload=workload,
    designs={
        "left_first": LeftFirst,
        "give_up": GiveUp,
        "one_lock": OneLock,
        "both_or_none": BothOrNone,
        "detect": Detect,
        "waiter": Waiter,
        "ordered": Ordered,
        "dirty_forks": DirtyForks,
        "even_first": EvenFirst,
    },
    measure=measure,
    audit=audit,
    ends_s=lambda p: p.run_s,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("Tables that live", "second", "share of the tables", survival),
        Chart("All schedules of two dinners", "step", "schedule", schedules, kind="heat"),
        Chart("How it goes wrong", "step", "philosopher", goes_wrong, kind="gantt"),
        Chart("Who waits for whom", "step", "philosopher", who_waits, kind="space-time"),
    ),
    asks=(
        Ask(
            "Two philosophers, one dinner each: how many of the eight schedules end in a deadlock?",
            "left_first.losing",
            "of 8",
            0,
            8,
        ),
        Ask(
            "And five of them, half a second between the forks: after how many seconds does a table stop?",
            "left_first.lives_s",
            "s",
            1,
            1000,
            log=True,
        ),
        Ask(
            "How many dinners a second does the best rule serve at a table of five?",
            "even_first.meals_per_s",
            "a second",
            0,
            10,
        ),
    ),
    why=(
        Why("Everybody holds one fork and waits for the next, in a circle.", STUCK),
        Why("Where no circle of waiting can close, no state is stuck.", NEVER_STUCK),
        Why("Who gives up and comes back can do so for ever.", LIVELOCK),
        Why("Where nobody keeps a place for who waits, others pass him by.", STARVES),
        Why(
            "First come, first served at each fork, and an end to each chain of waiting: everybody eats.",
            NOBODY_STARVES,
        ),
        Why("One lock for all makes those wait who share nothing.", ONE_AT_A_TIME),
        Why("What was done before giving up is done again.", IN_VAIN),
        Why("Long chains of those who hold one fork and wait feed one at a time.", CHAINS),
    ),
    maps=(Map(STUCK, "gap_s", "seats", (0.05, 1.0), (2, 7), log="x", given={"think_s": 1.0, "eat_s": 0.1}),),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "Draw an arrow from each who waits to who holds what he waits for. What shape is it when nobody moves?",
        "Which of the arrows could a rule forbid, for whoever comes, without asking the others?",
        "Give the forks numbers. Who holds the highest that is held waits for nobody. Which numbers make short chains?",
    ),
    sources=SOURCES,
    seeds=6,
    quick={"proved_seats": 2, "tables": 4, "run_s": 60.0},
)
