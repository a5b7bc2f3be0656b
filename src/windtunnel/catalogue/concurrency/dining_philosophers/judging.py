"""What is measured at the tables, and what is claimed of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from math import nan
from typing import Protocol

from windtunnel import Claim, Event, Figure, Held, History, Source, owed
from windtunnel.catalogue.concurrency.dining_philosophers.chain import alive, deadlock_s

QUIET = 0.25
"""A table is stuck at which nobody has ended a dinner in so large a part of the run, the last."""


class Setting(Protocol):
    """The parameters that are needed here."""

    @property
    def seats(self) -> int: ...
    @property
    def think_s(self) -> float: ...
    @property
    def gap_s(self) -> float: ...
    @property
    def eat_s(self) -> float: ...
    @property
    def tables(self) -> int: ...
    @property
    def run_s(self) -> float: ...


Dinners = Mapping[int, Sequence[Event]]


def by_table(history: History, p: Setting) -> Sequence[Dinners]:
    """The dinners of each table, by seat."""
    found: list[defaultdict[int, list[Event]]] = [defaultdict(list) for _ in range(p.tables)]
    for event in history:
        found[event.args[0]][event.args[1]].append(event)
    return found


def eaten(table: Dinners, seat: int) -> list[Event]:
    """The dinners of a seat that were eaten to the end."""
    return [e for e in table.get(seat, ()) if e.outcome == "ok"]


def died_s(table: Dinners, p: Setting) -> float | None:
    """When the last at a stuck table began to wait for a second fork; None where somebody has eaten since.

    Of `left_first` that is the moment of the deadlock, to the nanosecond: the left fork of who waits lay free when he
    came, or became free when the last dinner of his left neighbour ended.
    """
    seen_s = (1 - QUIET) * p.run_s
    last = [max((e.end for e in eaten(table, seat)), default=0.0) for seat in range(p.seats)]
    if max(last) > seen_s:
        return None
    waiting = [e for seat in table.values() for e in seat if e.outcome != "ok"]
    at = max((max(e.due, last[e.args[1] - 1]) + e.args[2] for e in waiting), default=0.0)
    return at if at <= seen_s else None


def measure(history: History, p: Setting) -> dict[str, float]:
    """Who eats, how often, after which wait, and how evenly; how long tables live; what all states say."""
    tables = by_table(history, p)
    died = [died_s(table, p) for table in tables]
    stuck = sum(at is not None for at in died)
    lived_s = sum((1 - QUIET) * p.run_s if at is None else at for at in died)
    # Who has not eaten when the run ends has waited until then at least.
    answered = [e.end - e.due - e.args[2] - e.args[3] for e in history.where(outcome="ok")]
    waits = sorted([*answered, *(p.run_s - e.due for e in history if e.outcome != "ok")])
    worst = max(1, len(waits) // 20)
    meals = [sum(len(eaten(table, seat)) for table in tables) for seat in range(p.seats)]
    return {
        "stuck": stuck / p.tables,
        "lives_s": lived_s / max(1, stuck),
        "meals_per_s": sum(meals) / p.tables / p.run_s,
        "worst_s": sum(waits[-worst:]) / worst if waits else 0.0,
        "longest_s": waits[-1] if waits else 0.0,
        "jain": sum(meals) ** 2 / (p.seats * sum(m * m for m in meals)) if any(meals) else 0.0,
        "begun_per_meal": history.facts.get("begun", nan) / max(1, sum(meals)),
        **{name: float(history.facts.get(name, nan)) for name in ("states", "deadlock", "starves", "livelock")},
        **{name: float(history.facts.get(name, nan)) for name in ("schedules", "losing")},
    }


def audit(history: History, held: Held, p: Setting) -> dict[str, float]:
    """What the servers of the table did: forks that were not there, dinners told and not eaten, eaten without work.

    Who eats has both forks, and who does the first work has one. `together` counts those who began where that needs
    more than lie there: two neighbours who eat, or somebody at work between two who eat.
    """
    hands, plates = held.machines.get("hands"), held.machines.get("plates")
    of_gap, of_meal = ({round(1e9 * e.args[k]): e for e in history} for k in (2, 3))
    reached: dict[int, float] = {}
    spans: defaultdict[int, list[Span]] = defaultdict(list)
    for came, done, work in hands.jobs if hands else ():
        event = of_gap.get(round(1e9 * work))
        if event is not None and done is not None:
            reached[event.id] = min(done, reached.get(event.id, done))
            spans[event.args[0]].append((came, done, event.args[1], False))
    unready = 0
    for came, done, work in plates.jobs if plates else ():
        event = of_meal.get(round(1e9 * work))
        if event is None:
            unready += 1
            continue
        unready += reached.get(event.id, p.run_s) > came + 1e-6
        spans[event.args[0]].append((came, p.run_s if done is None else done, event.args[1], True))
    told = history.where(outcome="ok")
    done_at = plates.jobs if plates else ()
    return {
        "together": sum(without_forks(table, p.seats) for table in spans.values()),
        "unready": unready,
        "owed_s": owed([(e.end, e.args[3]) for e in told], [(d, work) for _, d, work in done_at if d is not None]),
    }


Span = tuple[float, float, int, bool]
"""From when to when a seat was at it, and whether it ate."""


def without_forks(spans: Iterable[Span], seats: int) -> int:
    """How many began where not all who are at it then can have their forks, a microsecond aside."""
    moments = [
        (when, begins, seat, eats)
        for start, end, seat, eats in spans
        if end - start > 1e-6
        for when, begins in ((start + 5e-7, True), (end - 5e-7, False))
    ]
    at_it: Counter[tuple[int, bool]] = Counter()
    found = 0
    for _, begins, seat, eats in sorted(moments):
        at_it[seat, eats] += 1 if begins else -1
        found += begins and not enough([one for one, many in at_it.items() for _ in range(many)], seats)
    return found


def enough(at_it: Sequence[tuple[int, bool]], seats: int) -> bool:
    """Whether there are two forks for each who eats, and one of his two for each who works."""
    eating = [fork for seat, eats in at_it if eats for fork in {seat, (seat + 1) % seats}]
    left = set(range(seats)).difference(eating)
    working = [seat for seat, eats in at_it if not eats]

    def give(i: int, left: Set[int]) -> bool:
        if i == len(working):
            return True
        mine = {working[i], (working[i] + 1) % seats} & left
        return any(give(i + 1, left - {fork}) for fork in mine)

    return len(set(eating)) == len(eating) and give(0, left)


STEPS = 60


def survival(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """The share of the tables at which somebody will eat again; where some die, what the chain says of `left_first`."""
    step_s = (1 - QUIET) * p.run_s / STEPS
    died = [died_s(table, p) for table in by_table(history, p)]
    lives = [(k * step_s, sum(at is None or at > k * step_s for at in died) / p.tables) for k in range(STEPS + 1)]
    if all(at is None for at in died):
        return {"tables that live": lives}
    chain = alive(p.seats, p.think_s, p.gap_s, p.eat_s, STEPS + 1, step_s)
    return {"tables that live": lives, "by the chain": [(k * step_s, x) for k, x in enumerate(chain)]}


def schedules(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float, float]]]:
    """Every schedule of two philosophers with one dinner each: who moves, by 1 and 2; 3 and 4 where it is lost."""
    drawn: Sequence[tuple[Sequence[int], bool]] = history.facts.get("drawn", ())
    cells = [
        (float(step), float(row), float(1 + who + 2 * lost))
        for row, (moves, lost) in enumerate(sorted(drawn, key=lambda one: one[1]))
        for step, who in enumerate(moves)
    ]
    return {"who moves": cells}


def goes_wrong(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float, float, str]]]:
    """The shortest way into a deadlock, or a run in which one waits for ever; or how many states have neither."""
    moves: Sequence[tuple[str, str]] = history.facts.get("moves", ())
    if not moves:
        states = float(history.facts.get("states", 0))
        return {"all states": [("searched", 0.0, states, f"{states:.0f} states: none is stuck, nobody starves")]}
    rows: list[tuple[str, float, float, str]] = []
    doing = {name: (0, "thinks") for name, _ in moves}
    for step, (name, now) in enumerate(moves, 1):
        since, what = doing[name]
        rows.append((name, float(since), float(step), what))
        doing[name] = step, now
    end = float(len(moves) + 2)
    rows += [(name, float(since), end, what) for name, (since, what) in doing.items()]
    return {str(history.facts.get("what", "")): rows}


def who_waits(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float, str, float, str]]]:
    """At the deadlock, an arrow from who waits to who holds what he waits for; without one nobody waits in a circle."""
    waits: Mapping[str, str] = history.facts.get("waits", {})
    found = []
    for i, (name, what) in enumerate(waits.items()):
        fork, _, holder = what.partition(", held by ")
        found.append((name, float(i), holder or "nobody", float(i + 1), fork))
    return {"waits for": found or [("nobody", 0.0, "nobody", 1.0, "no state is stuck")]}


def shared_lock(seats: int, think_s: float, eat_s: float) -> float:
    """Dinners a second of one lock for all: the machine repair model, M/M/1 with so many customers."""
    weight = total = 1.0
    for k in range(seats):
        weight *= (seats - k) * eat_s / think_s
        total += weight
    return (1 - 1 / total) / eat_s


FIVE = {"seats": 5, "think_s": 1.0, "gap_s": 0.5, "eat_s": 0.1}
BUSY = {"seats": 5, "think_s": 0.5, "gap_s": 0.5, "eat_s": 0.5, "patience_s": 1.0}
LONG = {"seats": 5, "think_s": 0.5, "gap_s": 0.05, "eat_s": 1.0}
SHORT_GAP = {"seats": 5, "think_s": 1.0, "gap_s": 0.001, "eat_s": 0.1}
REPAIR = {"seats": 5, "think_s": 1.0, "gap_s": 0.001, "eat_s": 0.3, "tables": 6, "run_s": 60.0}
MANY = {**FIVE, "tables": 40, "run_s": 50.0}
SELDOM_S = 0.25
SELDOM = {**FIVE, "gap_s": SELDOM_S, "tables": 36, "run_s": 80.0}
ONE_IN = round(1 / alive(5, 1.0, 0.5, 0.1, 2, 45.0)[1])
CHANDY, COLOURS = "Chandy and Misra 1984", "Herescu and Palamidessi 2001"

SAFE = ("give_up", "one_lock", "both_or_none", "detect", "waiter", "ordered", "dirty_forks", "even_first")
PROVED = ("one_lock", "waiter", "ordered", "dirty_forks", "even_first")


def all_of(measured: str, designs: Sequence[str], word: str = "max") -> str:
    """The most of it among these designs, or the least."""
    return f"{word}({', '.join(f'{one}.{measured}' for one in designs)})"


STUCK = "left_first.stuck >= 0.5"
NEVER_STUCK = f"{all_of('deadlock', SAFE)} == 0 and left_first.deadlock == 1"
NOBODY_STARVES = f"{all_of('starves', PROVED)} == 0"
STARVES = "min(give_up.starves, both_or_none.starves, detect.starves) == 1"
LIVELOCK = "give_up.livelock == 1 and max(detect.livelock, both_or_none.livelock) == 0"
IN_VAIN = "give_up.begun_per_meal > 1.1 * even_first.begun_per_meal"
ONE_AT_A_TIME = "one_lock.meals_per_s < 0.75 * even_first.meals_per_s"
CHAINS = "waiter.meals_per_s < 0.85 * even_first.meals_per_s"
AGAIN = "give_up.worst_s > even_first.worst_s and detect.worst_s > even_first.worst_s"
SHORT_CHAINS = "even_first.meals_per_s > ordered.meals_per_s"
LESS_EVEN = "ordered.jain < even_first.jain and even_first.jain < dirty_forks.jain"
ENOUGH = "tables * run_s >= 240"

CLAIMS = (
    Claim(
        STUCK,
        f"Each holds a left fork and waits for the next: of such tables one in {ONE_IN} lives after 45 s.",
        breaks="left_first",
        given=FIVE,
        where="run_s >= 60 and tables >= 4",
    ),
    Claim(
        "left_first.stuck == 0 and left_first.meals_per_s > 0.97 * even_first.meals_per_s",
        "With a thousandth of a second between the forks a table lasts for centuries, and any rule feeds as many.",
        spares="left_first",
        given=SHORT_GAP,
        where=ENOUGH,
    ),
    Claim(
        NEVER_STUCK, "All states of a small table: left first has some in which nobody can go on, no other rule has."
    ),
    Claim(NOBODY_STARVES, "And no fair run in which somebody who is hungry never eats.", CHANDY),
    Claim(STARVES, "These three have a fair run in which one is passed over for ever."),
    Claim(LIVELOCK, "All who gave up may take up the first fork again at once, give up again, and nobody ever eats."),
    Claim(
        "left_first.losing == 4 and left_first.schedules == 8", "Two dinners can be run in eight ways; half are lost."
    ),
    Claim(
        f"{all_of('losing', SAFE)} == 0",
        "No schedule of two dinners is lost by any other rule.",
    ),
    Claim(
        f"{all_of('stuck', SAFE)} == 0",
        "What all states say, the runs do too.",
        given=FIVE,
        where=ENOUGH,
    ),
    Claim(IN_VAIN, "Whoever gives up has done the first work in vain, and does it again.", given=BUSY, where=ENOUGH),
    Claim(
        "even_first.begun_per_meal + 0.02 < detect.begun_per_meal < 0.9 * give_up.begun_per_meal",
        "Who closes a circle goes back, and nobody else: less is done twice.",
        given=BUSY,
        where=ENOUGH,
    ),
    Claim(
        AGAIN,
        "Who was the victim once is the victim again: nobody keeps a place for him.",
        over="mean",
        given=BUSY,
        where=ENOUGH,
    ),
    Claim(
        ONE_AT_A_TIME,
        "Two could eat at once, and one lock lets one.",
        given=BUSY,
        where=ENOUGH,
    ),
    Claim(
        CHAINS,
        "Four may sit, three of them hold a fork and wait for the one who eats.",
        given=LONG,
        where=ENOUGH,
    ),
    Claim(
        SHORT_CHAINS,
        "Two who want the same fork first wait without any; waiting with one in hand makes a third wait.",
        COLOURS,
        over="mean",
        given=BUSY,
        where=ENOUGH,
    ),
    Claim(
        LESS_EVEN,
        "An order favours seats; a fork that must be given up after each dinner does not.",
        over="mean",
        given=BUSY,
        where=ENOUGH,
    ),
    Claim(
        "dirty_forks.meals_per_s < 0.9 * even_first.meals_per_s",
        "It holds both forks through the first work, and its price is that.",
        given=BUSY,
        where=ENOUGH,
    ),
    Claim(
        "both_or_none.meals_per_s > even_first.meals_per_s",
        "Who waits with empty hands keeps nobody waiting: where dinners are long it feeds the most.",
        over="mean",
        given=LONG,
        where=ENOUGH,
    ),
)

DEMANDS = (
    Claim("yours.stuck == 0", "A table must not come to a stop.", given=FIVE),
    Claim("yours.stuck == 0", "Nor where all are hungry most of the time.", given=BUSY),
    Claim("yours.stuck == 0", "Nor at a table of three.", given={**FIVE, "seats": 3}),
    Claim("yours.stuck == 0", "Nor at one of two.", given={**FIVE, "seats": 2}),
    Claim("yours.together == 0", "Who works has a fork, who eats has both, and neighbours share one.", always=True),
    Claim("yours.unready == 0", "Nobody eats before the work with the first fork is done.", always=True),
    Claim("yours.owed_s < 0.001", "A dinner is told when it has been eaten.", always=True),
    Claim("yours.meals_per_s > 0.93 * even_first.meals_per_s", "Two can eat at once.", given=FIVE),
    Claim("yours.meals_per_s > 0.87 * even_first.meals_per_s", "Also where all are hungry.", given=BUSY),
    Claim("yours.longest_s < 15", "Nobody is passed over for long.", given=BUSY),
    Claim("yours.jain > 0.85", "No seat is fed at the cost of the others.", given=BUSY),
)

FIGURES = (
    Figure(
        "seconds until a table is deadlocked, half a second between the forks",
        deadlock_s(5, 1.0, 0.5, 0.1),
        "left_first.lives_s",
        0.35,
        "D",
        "mean time to the absorbing state of the chain of five; think 1 s, gap 0.5 s, eat 0.1 s, all exponential",
        given=MANY,
    ),
    Figure(
        "seconds until a table is deadlocked, a quarter of a second between the forks",
        deadlock_s(5, 1.0, SELDOM_S, 0.1),
        "left_first.lives_s",
        0.35,
        "D",
        "the same chain, gap 0.25 s; a table that lives after 60 s counts with that time",
        given=SELDOM,
    ),
    Figure(
        "schedules of two dinners that end in a deadlock",
        4,
        "left_first.losing",
        0.0,
        "D",
        "both have come before either reaches on (two orders), and then both wait (two orders); of eight",
    ),
    Figure(
        "dinners a second with one lock",
        shared_lock(5, 1.0, 0.3),
        "one_lock.meals_per_s",
        0.05,
        "D",
        "machine repair model, M/M/1 with five customers; think 1 s, eat 0.3 s",
        given=REPAIR,
    ),
)

SOURCES = (
    Source(
        "K. M. Chandy and J. Misra, The Drinking Philosophers Problem, ACM TOPLAS 6(4)",
        1984,
        "https://doi.org/10.1145/1780.1804",
    ),
    Source(
        "O. M. Herescu and C. Palamidessi, On the generalized dining philosophers problem, PODC",
        2001,
        "https://arxiv.org/abs/cs/0109003",
    ),
    Source(
        "PostgreSQL 9.0, Lock Management: deadlock_timeout",
        2010,
        "https://www.postgresql.org/docs/9.0/runtime-config-locks.html",
    ),
    Source(
        "Linux, kernel/locking/lockdep.c, Runtime locking correctness validator",
        2006,
        "https://github.com/torvalds/linux/blob/master/kernel/locking/lockdep.c",
    ),
)
