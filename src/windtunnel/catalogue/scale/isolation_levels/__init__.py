"""Two transactions look at the same rows, and each writes something else. The level says what of that is let through.

**Clarify.** Is the rule about one row (these hours), about rows that are there (one of these doctors stays on call), or
about rows that are not there yet (nobody else has booked)? How long does a program think between a look and the write
that follows? May it be rolled back and begin again? Which engine is it, and at which level does it begin?

**Estimate.** Who looks after the other has looked, and before that one has committed, sees nothing of it. With gaps of
{gap:.0f} ms, exponential, {think:.0f} ms of thinking and {window:.1f} ms of statements, that is a share of {share:.2f};
with {even_gap:.0f} ms of each {even:.2f}. Where n take turns the mean is (n + 1) / 2 times the thinking, {turns} for
{crowd}.

**Design.** The first proposal is a transaction. At read committed, where PostgreSQL begins, it changes nothing here:
shifts have nobody on call, rooms two guests, hours are lost, and a sum is one that never was.

**Deep dive: the matrix.** {scripts} scripts of Hermitage, of two or three sessions, are stepped through statement by
statement, and each cell is what they show. Read committed lets through five of ten anomalies, repeatable read two,
serializable none: all thirty cells are the published ones, on the model, on PostgreSQL, and on an engine of 150 lines
(`mvcc.py`) that is there to be changed. SQLite lets nothing through, whatever level is asked for.

**Deep dive: snapshots.** Repeatable read sees one state and rolls back the second writer of a row. Hours are kept, and
a sum is right, without waiting. Two doctors write different rows, so both go: write skew, in every shift where two come
together.

**Deep dive: locks.** SELECT ... FOR UPDATE keeps the doctors. It closes three cells of read committed and leaves the
two about rows that are not there: both guests lock nothing, and both insert. A lock on the parent, the room, is always
there to be had; it is held against those too who want another slot.

**Deep dive: serializable.** One of two is rolled back, begins again, and is told no. It costs no thought about rules,
and as much time as a lock. What matters is what is remembered of a look: the model, as PostgreSQL without an index,
remembers a scan as the whole table, so that at {busy:.0f} meetings a second guests of other rooms roll each other back;
the small engine remembers the condition, and rolls back fewer.

**Deep dive: constraints.** Give the rule a key: one row for each place that may be empty, one for each slot. Add in the
update, and read both accounts in one statement. Nobody waits for a turn, and none is rolled back. The level is the same
as before, with the same holes for the rule that nobody thought of.

**Real systems.** PostgreSQL's serializable looks for Tin -> Tpivot -> Tout, two reads of what another has overwritten,
in a row. It may roll back one that would have been right. Its manual wants serialization failures tried again, and says
that a unique key can be the error for one. In SQLite who has read and wants to write after another has is refused.

**Left open.** InnoDB, whose repeatable read lets a lost update through by the same table: there is none here. Indexes,
which make what is remembered finer; read-only transactions that wait until they are safe; many processes that share a
lock outside of the database.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from windtunnel import Ask, Chart, Experiment, Map, Op, Stage, Why, param
from windtunnel.catalogue.scale.isolation_levels.claims import (
    BOTH,
    BUSY,
    CLAIMS,
    DEMANDS,
    FIGURES,
    NO_ROW,
    SKEW,
    SOURCES,
    TURNS,
)
from windtunnel.catalogue.scale.isolation_levels.edges import edges
from windtunnel.catalogue.scale.isolation_levels.judging import (
    HOURS,
    KINDS,
    WINDOW_S,
    audit,
    beside_published,
    circles,
    measure,
    overlap,
    transcripts,
)
from windtunnel.catalogue.scale.isolation_levels.mvcc import Mvcc
from windtunnel.catalogue.scale.isolation_levels.stepping import Speaks, Steppable, step_through
from windtunnel.catalogue.scale.isolation_levels.transcripts import ANOMALIES, BY_NAME, SCRIPTS
from windtunnel.engines import Aborted, Conflict, Isolation, Plus
from windtunnel.workload import poisson

T = TypeVar("T")
CONNECTIONS = 64
STATEMENT_S = 0.0006
"""Of the engine of 150 lines: the mean way there and back of the model, and the work of a statement."""
BACKOFF_S = 0.002
"""Most seconds that one waits who was rolled back, before trying again."""


@dataclass(frozen=True)
class Params:
    """Who wants the same at the same moment, and how long one thinks between looking and writing."""

    meetings: int = param(120, "moments at which several want the same, a third of each kind", 12, 600)
    people: int = param(2, "who want it; a shift has so many doctors, of whom one has to stay", 2, 6)
    rate: float = param(20.0, "meetings a second", 1.0, 200.0)
    gap_s: float = param(0.002, "mean seconds between one of them and the next, exponential", 0.0, 2.0)
    decide_s: float = param(0.02, "seconds between a look and the write that follows from it", 0.0, 0.2)
    rooms: int = param(4, "rooms that slots are booked in", 1, 20)
    matrix: int = param(1, "1: also run the scripts of Hermitage; 0: do not", 0, 1)
    cell: str = param("G2-item", "the anomaly whose transcripts are drawn", choices=ANOMALIES)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`off(shift, doctor, ...)`, `book(slot, room, ...)`, `move(pair, ...)` and `total(pair, ...)`, several at a time.

    Of those who move hours one is the desk, another program (`adjust`). Each request says how long it thinks.
    """
    if p.matrix:
        yield from (Op(0.0, "terminals", "cell", (script.name,), think_s=0.0) for script in SCRIPTS)
    for i, at in enumerate(poisson(p.rate, luck, count=p.meetings)):
        kind, n = KINDS[i % len(KINDS)], i // len(KINDS)
        room = luck.randrange(p.rooms)
        *comes, last = [at, *(at + later for later in later_ones(p, luck))]
        for j, moment in enumerate(comes):
            who = n * p.people + j
            if kind == "off":
                yield Op(moment, f"doctor {who}", "off", (n, who, p.decide_s))
            elif kind == "book":
                yield Op(moment, f"guest {who}", "book", (n, room, who, p.decide_s))
            else:
                hours = luck.choice((1, 2, 3))
                yield Op(moment, f"clerk {who}", "move", (n, hours, p.decide_s))
        if kind == "move":
            yield Op(last, f"auditor {n}", "total", (n, p.decide_s))
            yield Op(last + p.decide_s / 2, "desk", "adjust", (n, 5))


def later_ones(p: Params, luck: Random) -> list[float]:
    """How many seconds after the first one of a meeting each other comes, and last of all who looks."""
    return list(poisson(1 / p.gap_s, luck, count=p.people)) if p.gap_s else [0.0] * p.people


class ReadCommitted:
    """Look, decide, write, in one transaction at the level that most databases begin with."""

    level: Isolation = "read committed"
    locks = False
    """Whether what is looked at is locked."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.p = p
        self.stage = stage
        self.db = self.opened()
        self.patience_s = 0.02 if stage.name == "sim" else 0.2
        self.rolled_back: Counter[str] = Counter()
        """Transactions, by what was asked."""

    def opened(self) -> Steppable:
        """The database of doctors, bookings and hours."""
        return self.stage.database("db", connections=CONNECTIONS)

    async def start(self) -> None:
        many = -(-self.p.meetings // len(KINDS))
        doctors = [{"id": i, "shift": i // self.p.people, "on_call": 1} for i in range(many * self.p.people)]
        await self.db.create_table("doctor", {"id": int, "shift": int, "on_call": int}, doctors)
        await self.db.create_table("shift", {"id": int}, [{"id": i} for i in range(many)])
        await self.db.create_table("absence", {"id": int, "doctor": int})
        await self.db.create_table("room", {"id": int}, [{"id": i} for i in range(self.p.rooms)])
        await self.db.create_table("booking", {"id": int, "slot": int, "room": int, "guest": int})
        accounts = [{"id": i, "pair": i // 2, "hours": HOURS} for i in range(2 * many)]
        await self.db.create_table("account", {"id": int, "pair": int, "hours": int}, accounts)
        self.cells = self.beside() if self.p.matrix else None

    async def again(self, name: str, work: Callable[[Speaks], Awaitable[T]]) -> T:
        """Do it in a transaction, until one is not rolled back."""
        while True:
            with suppress(Aborted):
                async with self.db.transaction(self.level) as t:
                    return await work(t)
            self.rolled_back[name] += 1
            await asyncio.sleep(self.stage.luck("back-off").uniform(0, BACKOFF_S))

    # --- one doctor of a shift stays on call -------------------------------------------------------------------
    async def off(self, shift: int, doctor: int, decide_s: float) -> bool:
        """Go off call, where another one stays."""

        async def work(t: Speaks) -> bool:
            on = await self.on_call(t, shift)
            await asyncio.sleep(decide_s)
            if len(on) < 2:
                return False
            await t.update("doctor", {"id": doctor}, {"on_call": 0})
            return True

        return await self.again("off", work)

    async def on_call(self, t: Speaks, shift: int) -> list[int]:
        """Which doctors of a shift are."""
        found = []
        for doctor in range(shift * self.p.people, (shift + 1) * self.p.people):
            row = await t.get("doctor", doctor, lock=self.locks)
            if row is not None and row["on_call"]:
                found.append(doctor)
        return found

    # --- a room has one guest at a time ------------------------------------------------------------------------
    async def book(self, slot: int, room: int, guest: int, decide_s: float) -> bool:
        """Take a room for a slot, where nobody has it."""

        async def work(t: Speaks) -> bool:
            taken = await t.select("booking", {"slot": slot, "room": room}, lock=self.locks)
            await asyncio.sleep(decide_s)
            if taken:
                return False
            await t.insert("booking", {"id": guest, "slot": slot, "room": room, "guest": guest})
            return True

        return await self.again("book", work)

    # --- what one gives another gets ---------------------------------------------------------------------------
    async def move(self, pair: int, hours: int, decide_s: float) -> bool:
        """Take hours from the one account of a pair, and put them on the other."""

        async def work(t: Speaks) -> bool:
            accounts = (2 * pair, 2 * pair + 1)
            held = [await self.hours(t, account) for account in accounts]
            await asyncio.sleep(decide_s)
            for account, before, change in zip(accounts, held, (-hours, hours), strict=True):
                await t.update("account", {"id": account}, {"hours": before + change})
            return True

        return await self.again("move", work)

    async def total(self, pair: int, decide_s: float) -> int:
        """The hours of a pair, one account after the other."""

        async def work(t: Speaks) -> int:
            first = await self.hours(t, 2 * pair)
            await asyncio.sleep(decide_s)
            return first + await self.hours(t, 2 * pair + 1)

        return await self.again("total", work)

    async def hours(self, t: Speaks, account: int) -> int:
        """What is on an account."""
        row = await t.get("account", account, lock=self.locks)
        hours = None if row is None else row["hours"]
        return hours if isinstance(hours, int) else 0

    # --- the matrix --------------------------------------------------------------------------------------------
    def beside(self) -> Steppable:
        """The database on which scripts are run."""
        return self.stage.database("cells", connections=8)

    def levels(self) -> Sequence[Isolation]:
        """At which levels they are."""
        return (self.level,)

    async def cell(self, name: str) -> list[Mapping[str, Any]]:
        """Run a script of Hermitage: what was said, and whether it shows its anomaly, at each level."""
        assert self.cells is not None
        found: list[Mapping[str, Any]] = []
        for level in self.levels():
            told = await step_through(self.cells, BY_NAME[name], level, lock=self.locks, patience_s=self.patience_s)
            one = {"level": level, "locks": self.locks, "shows": BY_NAME[name].shows(told), "edges": edges(told)}
            found.append({**one, **told.plain()})
        return found

    async def report(self) -> Mapping[str, object]:
        async with self.db.transaction() as t:
            rows = {table: await t.select(table) for table in ("doctor", "booking", "account")}
        return {**rows, "rolled_back": dict(self.rolled_back)}


class Snapshot(ReadCommitted):
    """All looks of a transaction see one state, and the first to write a row wins: repeatable read, and try again."""

    level = "repeatable read"


class RowLocks(ReadCommitted):
    """Lock what is looked at, until the end of the transaction: SELECT ... FOR UPDATE."""

    locks = True


class ParentLock(RowLocks):
    """Lock the row that the rule is about before looking, the shift or the room: that one is always there."""

    async def on_call(self, t: Speaks, shift: int) -> list[int]:
        await t.get("shift", shift, lock=True)
        return await super().on_call(t, shift)

    async def book(self, slot: int, room: int, guest: int, decide_s: float) -> bool:
        async def work(t: Speaks) -> bool:
            await t.get("room", room, lock=True)
            taken = await t.select("booking", {"slot": slot, "room": room})
            await asyncio.sleep(decide_s)
            if taken:
                return False
            await t.insert("booking", {"id": guest, "slot": slot, "room": room, "guest": guest})
            return True

        return await self.again("book", work)


class OwnEngine(ReadCommitted):
    """Serializable, on an engine of 150 lines (`mvcc.py`) that remembers conditions as they were said."""

    level = "serializable"

    def opened(self) -> Steppable:
        return self.stage.add("db", Mvcc(STATEMENT_S))

    def beside(self) -> Steppable:
        return Mvcc()

    def levels(self) -> Sequence[Isolation]:
        return ("read committed", "repeatable read", "serializable")


class Serializable(ReadCommitted):
    """As if one came after the other, or rolled back; and then try again."""

    level = "serializable"


class Constraint(ReadCommitted):
    """Look, decide, then write what a key allows once, or add in the update itself: the rule stands in the schema."""

    async def off(self, shift: int, doctor: int, decide_s: float) -> bool:
        on = await self.again("off", lambda t: self.on_call(t, shift))
        await asyncio.sleep(decide_s)
        if len(on) < 2:
            return False
        places = self.p.people - 1
        for place in range(places):

            async def work(t: Speaks, place: int = shift * places + (doctor + place) % places) -> bool:
                await t.insert("absence", {"id": place, "doctor": doctor})
                await t.update("doctor", {"id": doctor}, {"on_call": 0})
                return True

            with suppress(Conflict):
                return await self.again("off", work)
        return False

    async def book(self, slot: int, room: int, guest: int, decide_s: float) -> bool:
        taken = await self.again("book", lambda t: t.select("booking", {"slot": slot, "room": room}))
        await asyncio.sleep(decide_s)

        async def work(t: Speaks) -> bool:
            key = slot * self.p.rooms + room
            await t.insert("booking", {"id": key, "slot": slot, "room": room, "guest": guest})
            return True

        with suppress(Conflict):
            return not taken and await self.again("book", work)
        return False

    async def move(self, pair: int, hours: int, decide_s: float) -> bool:
        await self.again("move", lambda t: self.hours(t, 2 * pair))
        await asyncio.sleep(decide_s)

        async def work(t: Speaks) -> bool:
            for account, change in ((2 * pair, -hours), (2 * pair + 1, hours)):
                await t.update("account", {"id": account}, {"hours": Plus(change)})
            return True

        return await self.again("move", work)

    async def total(self, pair: int, decide_s: float) -> int:
        """The hours of a pair, in one statement, which sees one state."""
        rows = await self.again("total", lambda t: t.select("account", {"pair": pair}))
        await asyncio.sleep(decide_s)
        return sum(row["hours"] for row in rows if isinstance(row["hours"], int))


class Desk:
    """Another program, which moves hours of the same accounts in updates that add."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.stage = stage

    async def adjust(self, pair: int, hours: int) -> bool:
        """Move hours back."""
        db: Steppable = self.stage.thing("db")
        while True:
            with suppress(Aborted):
                async with db.transaction() as t:
                    for account, change in ((2 * pair, hours), (2 * pair + 1, -hours)):
                        await t.update("account", {"id": account}, {"hours": Plus(change)})
                return True
            await asyncio.sleep(BACKOFF_S)


SAID = Params()
EVEN_S = 0.05
CROWD = 6
__doc__ = (__doc__ or "").format(
    gap=1e3 * SAID.gap_s,
    think=1e3 * SAID.decide_s,
    window=1e3 * WINDOW_S,
    share=overlap(SAID.gap_s, SAID.decide_s + WINDOW_S),
    even_gap=1e3 * EVEN_S,
    even=overlap(EVEN_S, EVEN_S + WINDOW_S),
    crowd=CROWD,
    turns=(CROWD + 1) / 2,
    scripts=len(SCRIPTS),
    busy=BUSY["rate"],
)

experiment = Experiment(
    title="Isolation levels",
    question="Two transactions look at the same rows and each writes something else: what does your level let through?",
    params=Params,
    workload=workload,
    designs={
        "read_committed": ReadCommitted,
        "snapshot": Snapshot,
        "row_locks": RowLocks,
        "parent_lock": ParentLock,
        "own_engine": OwnEngine,
        "serializable": Serializable,
        "constraint": Constraint,
    },
    others=Desk,
    measure=measure,
    audit=audit,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("The matrix", "anomaly", "1: shown here, or said to occur", beside_published, kind="bars"),
        Chart("What was said", "statement", "session", transcripts, kind="gantt"),
        Chart("Who has to come first", "transaction", "transaction", circles, kind="graph"),
    ),
    asks=(
        Ask(
            "Two doctors of a shift ask at the same moment, in repeatable read. Of 100 shifts, how many have nobody?",
            "100 * snapshot.alone",
            "of 100",
            0,
            100,
        ),
        Ask(
            "Two guests book with SELECT ... FOR UPDATE before they insert. Of 100 slots, how many have two guests?",
            "100 * row_locks.double",
            "of 100",
            0,
            100,
        ),
        Ask(
            "And in serializable: how many transactions are rolled back for each answer?",
            "serializable.aborts",
            "an answer",
            0,
            3,
        ),
    ),
    why=(
        Why("A transaction at the first level sees, statement by statement, what others have committed.", BOTH),
        Why("A snapshot stops a second writer of a row, and these two write different rows.", SKEW),
        Why("What is not there yet cannot be locked; its parent can.", NO_ROW),
        Why("Nobody waits for a turn where the key decides at the end.", TURNS),
    ),
    maps=(
        Map(
            "read_committed.alone > 0.5",
            "gap_s",
            "decide_s",
            (0.01, 0.1),
            (0.005, 0.1),
            line="decide_s + 0.0023 > 0.693 * gap_s",
            given={"meetings": 300, "people": 2, "rate": 100.0, "matrix": 0},
        ),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "What has the other one committed when you look, and what when you write?",
        "Your level stops two who write one row. Which row do two doctors both write, or two guests?",
        "Make them write the same thing: lock what the rule is about, or let a key allow it once. Or let the database "
        "find out, and begin again.",
    ),
    sources=SOURCES,
    stages=("sim", "sqlite", "postgres"),
    seeds=6,
    quick={"meetings": 24},
)
