"""Sell a hundred tickets to eight hundred people who all come at once, each ticket once.

Clarify first: may a buyer choose a seat, or is any ticket as good as another (here: any)? Is selling one too many a
refund or a person in front of a locked door? How long may a buyer take to pay, and who gets the ticket of one who does
not? Estimate: a stampede of N buyers through c connections of t seconds each keeps the database busy for N t / c
seconds (`needs_s` in the table), and the last buyer waits that long whatever the design does.

Design. The stock is one row, and everybody wants to write it. "Look, then write" is two statements, and between them
others look at the same number: all of them sell it. The database has four tools against that. A version column makes
the write conditional on what was seen, and whoever loses tries again: many losers, many retries. `SELECT ... FOR
UPDATE` queues the buyers at the row: no retries, but the row is held while the buyer thinks. One conditional update,
`SET stock = stock - 1 WHERE stock > 0`, holds it only as long as the statement takes. A unique ticket number is the
belt to these braces: it turns a double sale into an error.

Deep dive. A sale is not a payment. Buyers walk away, and their tickets must come back: a hold with an expiry, and a
fence: paying is an update that only succeeds while the hold is still held, so an expired hold cannot be paid, however
late the bank answers. A queue at the door (Ticketmaster's waiting room, Little's law) lets in as many as the database
serves without a pile-up, so that those who wait do so outside of it.

Scale. One row serves one writer at a time: about one over the time of a commit per second. Beyond that, split the
stock into several rows (sections, or buckets that refill each other), or move the count into one Redis script and let
the database record it. Seats that can be chosen spread the writes by themselves, until everybody wants row one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from windtunnel import Chart, Claim, Experiment, Figure, History, Op, Source, Stage, param
from windtunnel.engines import Aborted, AtLeast, AtMost, Changes, Plus, Where

CONNECTION_S = 0.004
"""Seconds of a connection for one sale in the model: three statements and a commit."""


@dataclass(frozen=True)
class Params:
    """How many want how much, how fast."""

    stock: int = param(100, "tickets", low=1, high=1_000_000)
    buyers: int = param(800, "people who want one", low=1, high=1_000_000)
    arrivals_per_s: float = param(800.0, "buyers who come in a second (without tills)", low=0.1, high=1e6)
    late_s: float = param(
        2.0, "seconds after the stampede over which the last fifth of the buyers comes", low=0, high=600
    )
    tills: int = param(
        0, "0: the doors are open; n: n tills, each serves its next buyer when the last has gone", low=0, high=10_000
    )
    connections: int = param(8, "connections to the database", low=1, high=150)
    leave: float = param(0.1, "share of buyers who choose and then do not pay", low=0, high=1)
    pay_s: float = param(0.02, "seconds in which a buyer pays, median", low=0, high=600)
    hold_s: float = param(1.0, "seconds for which a ticket is held", low=0.001, high=3600)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`buy(buyer, pays_after_s)`; a buyer who leaves never pays (None)."""
    at = 0.0
    for buyer in range(p.buyers):
        pays: float | None = luck.lognormvariate(0, 0.5) * p.pay_s
        if luck.random() < p.leave:
            pays = None
        at += luck.expovariate(p.arrivals_per_s)
        late_s = luck.random() * p.late_s if buyer >= 0.8 * p.buyers else 0.0
        if p.tills:
            yield Op(0.0, f"till {buyer % p.tills}", "buy", (buyer, pays), think_s=0.0)
        else:
            yield Op(at + late_s, f"buyer {buyer}", "buy", (buyer, pays))


class Shop:
    """What every design shares: two tables, and the count at the end."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.p = p
        self.db = stage.database("db", connections=p.connections)
        self.retries = 0

    async def start(self) -> None:
        columns = {"id": int, "stock": int, "version": int}
        await self.db.create_table("event", columns, [{"id": 1, "stock": self.p.stock, "version": 0}])
        await self.db.create_table("sale", {"id": int, "ticket": int, "state": str, "until": float})

    async def report(self) -> Mapping[str, object]:
        rows = await self.db.select("sale")
        event = await self.db.get("event", 1)
        return {
            "sold": [row["ticket"] for row in rows if row["state"] in ("sold", "paid")],
            "stock": event["stock"] if event else None,
            "held": sum(row["state"] == "held" for row in rows),
            "retries": self.retries,
        }


class LookThenWrite(Shop):
    """Read the stock; if there is some, write it back less one and record the sale."""

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        event = await self.db.get("event", 1)
        if event is None or not isinstance(event["stock"], int) or event["stock"] < 1:
            return None
        ticket = event["stock"]
        await self.db.update("event", {"id": 1}, {"stock": ticket - 1})
        await self.db.insert("sale", {"id": buyer, "ticket": ticket, "state": "sold"})
        return ticket


class VersionColumn(Shop):
    """Write only if the version is still the one that was read, else read again."""

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        while True:
            # One transaction, one connection: whoever gives it back between reading and writing queues for the next
            # one behind everybody else, and finds that what was read is always stale.
            with contextlib.suppress(Aborted):  # SQLite says so at once where PostgreSQL finds no row to change
                async with self.db.transaction() as t:
                    event = await t.get("event", 1)
                    if event is None or not isinstance(event["stock"], int) or event["stock"] < 1:
                        return None
                    ticket = event["stock"]
                    seen: Where = {"id": 1, "version": event["version"]}
                    if await t.update("event", seen, {"stock": ticket - 1, "version": Plus(1)}):
                        await t.insert("sale", {"id": buyer, "ticket": ticket, "state": "sold"})
                        return ticket
            self.retries += 1


class RowLock(Shop):
    """Lock the row while reading it, and let everybody else wait for it."""

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        async with self.db.transaction() as t:
            event = await t.get("event", 1, lock=True)
            if event is None or not isinstance(event["stock"], int) or event["stock"] < 1:
                return None
            ticket = event["stock"]
            await t.update("event", {"id": 1}, {"stock": ticket - 1})
            await t.insert("sale", {"id": buyer, "ticket": ticket, "state": "sold"})
        return ticket


class ConditionalUpdate(Shop):
    """One statement takes a ticket if there is one; the database tests and writes in one step."""

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        async with self.db.transaction() as t:
            if not await t.update("event", {"id": 1, "stock": AtLeast(1)}, {"stock": Plus(-1)}):
                return None
            # Our own write is ours to read, and the row is locked until we commit.
            event = await t.get("event", 1)
            ticket = int(event["stock"] or 0) + 1 if event else 0
            await t.insert("sale", {"id": buyer, "ticket": ticket, "state": "sold"})
        return ticket


class HoldThenPay(Shop):
    """A queue at the door, a hold with an expiry, and a payment that an expired hold does not get past."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.door = asyncio.Semaphore(p.connections)

    async def start(self) -> None:
        await super().start()
        tickets = [{"id": n, "buyer": None, "until": 0.0, "state": "free"} for n in range(1, self.p.stock + 1)]
        await self.db.create_table("ticket", {"id": int, "buyer": int, "until": float, "state": str}, tickets)
        self.free = list(range(self.p.stock, 0, -1))
        self.holds: dict[int, float] = {}

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        async with self.door:
            ticket = await self._hold(buyer)
        if ticket is None or pays_after_s is None:
            return None
        await asyncio.sleep(pays_after_s)
        async with self.door, self.db.transaction() as t:
            mine: Where = {"id": ticket, "buyer": buyer, "state": "held", "until": AtLeast(self._now())}
            if not await t.update("ticket", mine, {"state": "paid"}):
                return None
            await t.update("event", {"id": 1}, {"stock": Plus(-1)})
            await t.insert("sale", {"id": buyer, "ticket": ticket, "state": "paid"})
        self.holds.pop(ticket, None)
        return ticket

    async def _hold(self, buyer: int) -> int | None:
        """A ticket that is free or whose hold has run out; our list says where to look, the database decides."""
        while True:
            now = self._now()
            if self.free:
                ticket = self.free.pop()
            else:
                late = [n for n, until in self.holds.items() if until < now]
                if not late:
                    return None
                ticket = late[0]
                self.retries += 1
            self.holds[ticket] = now + self.p.hold_s
            mine: Changes = {"buyer": buyer, "state": "held", "until": now + self.p.hold_s}
            # Free tickets have an expiry in the past, so one condition serves both.
            for state in ("free", "held"):
                if await self.db.update("ticket", {"id": ticket, "state": state, "until": AtMost(now)}, mine):
                    return ticket

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def measure(history: History, p: Params) -> dict[str, float]:
    """What was sold, more than once, to whom, and how fairly."""
    tickets: list[int] = history.facts["sold"]
    won = [e for e in history.where(outcome="ok") if e.value is not None]
    return {
        "sold": len(tickets),
        "oversold": max(0, len(tickets) - p.stock),
        "sold_twice": len(tickets) - len(set(tickets)),
        "paid": sum(e.args[1] is not None for e in won),
        "retries": history.facts["retries"],
        "queue_jumps": _inversions([e.due for e in sorted(won, key=lambda e: e.end)]),
        "needs_s": p.buyers * CONNECTION_S / p.connections,
    }


def _inversions(dues: list[float]) -> float:
    """Share of the pairs of winners that were served in another order than they came: (1 - Kendall's tau) / 2."""
    pairs = [(a, b) for i, a in enumerate(dues) for b in dues[i + 1 :]]
    return sum(a > b for a, b in pairs) / len(pairs) if pairs else 0.0


def series(history: History, p: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Tickets sold by then; whoever crosses the stock has sold what is not there."""
    ends = sorted(e.end for e in history.where(outcome="ok") if e.value is not None)
    return {"sold": [(0.0, 0.0), *((end, float(i)) for i, end in enumerate(ends, 1))]}


experiment = Experiment(
    title="Ticketmaster: a hundred tickets, eight hundred buyers",
    question="Which ways to sell the last ticket sell it only once, and what do they cost in a stampede?",
    params=Params,
    workload=workload,
    designs={
        "look_then_write": LookThenWrite,
        "version_column": VersionColumn,
        "row_lock": RowLock,
        "conditional_update": ConditionalUpdate,
        "hold_then_pay": HoldThenPay,
    },
    measure=measure,
    charts=(Chart("Tickets sold", "second", "tickets sold", series),),
    stages=("sim", "sqlite", "postgres"),
    seeds=3,
    quick={"stock": 20, "buyers": 120, "arrivals_per_s": 1200.0, "leave": 0.3},
    claims=(
        Claim(
            "look_then_write.oversold > 0",
            "Between looking and writing others look at the same number, and all of them sell it.",
            breaks="look_then_write",
        ),
        Claim("version_column.oversold == 0 and version_column.sold_twice == 0", "A stale version writes nothing."),
        Claim("row_lock.oversold == 0 and row_lock.sold_twice == 0", "Buyers look at the row one after the other."),
        Claim(
            "conditional_update.oversold == 0 and conditional_update.sold_twice == 0",
            "The test and the write are one step.",
        ),
        Claim(
            "hold_then_pay.oversold == 0 and hold_then_pay.sold_twice == 0",
            "A ticket is held by one buyer at a time, and an expired hold cannot be paid.",
        ),
        Claim(
            "min(version_column.sold, row_lock.sold, conditional_update.sold) == params.stock",
            "Selling too few is as wrong as selling too many.",
        ),
        Claim(
            "version_column.retries > 0 and row_lock.retries == 0 and conditional_update.retries == 0",
            "Optimism pays in retries when everybody wants the same row; locks and conditions do not.",
        ),
        Claim(
            "hold_then_pay.paid > conditional_update.paid",
            "Those who leave take their tickets with them unless holds expire.",
        ),
        Claim(
            "look_then_write.oversold == 0",
            "With one till nobody looks while somebody else writes: the naive design is good enough.",
            given={"tills": 1, "buyers": 150, "stock": 60},
            spares="look_then_write",
        ),
    ),
    demands=(
        Claim("yours.sold_twice == 0", "Every ticket has one owner.", always=True),
        Claim("yours.oversold == 0", "Nobody stands in front of a locked door with a ticket.", always=True),
        Claim("yours.sold > 0.6 * params.stock", "While there are buyers, hardly a ticket stays unsold."),
        Claim(
            "yours.latency_p99_ms < 1500",
            "A buyer who waits for seconds presses the button again.",
        ),
    ),
    figures=(
        Figure(
            "tickets that look-then-write sells of 100",
            752,
            "look_then_write.sold",
            0.5,
            "R",
            "PostgreSQL 15, 8 connections of 100 buyers each, read committed",
            given={"tills": 8},
            stages=("postgres",),
        ),
        Figure(
            "tickets that a conditional update sells of 100",
            100,
            "conditional_update.sold",
            0,
            "R",
            "PostgreSQL 15, 8 connections of 100 buyers each",
            given={"tills": 8},
        ),
        Figure(
            "tickets that a version column sells of 100",
            100,
            "version_column.sold",
            0,
            "R",
            "PostgreSQL 15, 8 connections of 100 buyers each",
            given={"tills": 8},
        ),
        Figure(
            "tickets that a row lock sells of 100",
            100,
            "row_lock.sold",
            0,
            "R",
            "PostgreSQL 15, 8 connections of 100 buyers each",
            given={"tills": 8},
        ),
    ),
    hints=(
        "What can happen between the statement that looks and the statement that writes?",
        "Which one statement can both test that there is a ticket and take it?",
        "Who gets the ticket of a buyer who closes the browser, and what if the payment arrives after that?",
    ),
    sources=(
        Source(
            "PostgreSQL documentation, ch. 13: Concurrency Control",
            2026,
            "https://www.postgresql.org/docs/18/mvcc.html",
        ),
        Source(
            "H. Berenson and others, A Critique of ANSI SQL Isolation Levels, SIGMOD",
            1995,
            "https://doi.org/10.1145/223784.223785",
        ),
        Source(
            "H. T. Kung, J. T. Robinson, On Optimistic Methods for Concurrency Control, TODS 6(2)",
            1981,
            "https://doi.org/10.1145/319566.319567",
        ),
    ),
)
