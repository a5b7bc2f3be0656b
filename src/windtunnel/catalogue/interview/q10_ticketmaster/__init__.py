"""Sell a hundred tickets to eight hundred people who all come at once, each ticket once.

Clarify: may a buyer choose a seat, or is any ticket as good as another (here: any)? Is selling one too many a refund,
or a person in front of a locked door? How long may a buyer take to pay, and who gets the ticket of one who does not?
What does a buyer do who hears nothing? He asks again, with the number that he has, or he goes.

Estimate: the stock is one row, and everybody wants to write it. It takes one writer at a time. So N sales take N times
as long as one sale keeps the row, whatever the number of connections. `windtunnel figures` works that out from the
statements that lie between and the commit, and puts the wait of the last of 400 buyers beside it.

Design. "Look, then write" is two statements, and between them others look at the same number: all of them sell it. An
isolation level (`serializable`, `repeatable read`) refuses whoever was overtaken, who then has to try again.
A version column makes the same by hand. Both send nearly all who are inside back to the start with each sale, so
retries grow with the connections, not with the crowd: letting fewer in helps, while waiting before the next try buys
fewer retries with a later answer. `SELECT ... FOR UPDATE` queues buyers at the row instead. One conditional update,
`SET stock = stock - 1 WHERE stock > 0`, tests and writes in one step. It keeps the row until its transaction commits,
so the order counts. Record the sale first and take from the stock last, and the row is kept for the commit alone. The
price is a sale written in vain by all who get nothing, unless they look before they write. Committed alone, ahead of
the sale, the update keeps the row shorter still; but whoever dies in between takes a ticket along.

Deep dive: servers die, at each of their places, and another goes on. Look-then-write loses a ticket at one place of
five; where its buyer asks again three go wrong: another ticket is lost, or an owner hears that all is sold. A sale in
one transaction, under its buyer's number, is whole at every place: the key refuses a second one, and he is told the
first. Who finds nothing left has to look for a sale of his own: one statement more, behind the transaction, since with
the row in his hand others wait ten times as long. Who inserts first meets his own sale and needs no look.

Deep dive: a script in the cache hands out numbers far faster than a row can. It remembers whom it answered, so who asks
again has the same number; if he has gone, one death of four takes a number along. Without power the cache forgets what
is left. Its copy runs behind, and when it takes over it hands the last numbers out again: a unique key on the number
refuses the second sale, and the buyer gets the next. Who hears that all is sold may look in the table for numbers that
nobody has: then none is lost, and everybody asks the database.

Deep dive: a sale is not a payment. Buyers walk away, and in all designs so far they keep their tickets. `hold_then_pay`
sells seats, a row each: held until a moment, found by `SKIP LOCKED` so that nobody waits for a row, paid by an update
that asks whose the seat is and until when. That is the fence: who pays too late changes nothing. Holds stand in the
table, so any server answers, and one whose server has died ends by itself: who waits gets the seat then. A server keeps
nothing but its queue at the door, where a few at a time look for a seat. While enough people wait, it sells every seat
to somebody who pays; who pays slower than a hold lasts gets nothing, however early. Who gets nothing waits until the
last is paid or patience ends, which is long, and is not told "sold out" while a seat may yet come back.

Scale: the row of the stock is the limit. Seats are rows of their own, a script counts in memory; a stock that is split
over several rows is the third way, and is not measured here.

Real systems: PostgreSQL's manual asks whoever uses these isolation levels to be ready to retry, and counts unique keys
among the reasons. Redis says of its own replicas that waiting for them does not make it strongly consistent. Waiting
rooms of ticket shops let a given number in, and the next when somebody leaves or a hold runs out.

Left open: a machine that vanishes keeps its row until somebody notices; a server that stands still and goes on; clocks
of servers that differ about what is still held; a bank that charges for a seat that has gone to somebody else. On real
engines all that sell each ticket once in the model do so, too; how many look-then-write sells, and how often SQLite's
optimists try again, differ. Times are claimed in the model alone: on one computer they are those of buyers and database
together.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Literal

from windtunnel import Ask, Chart, Experiment, Fault, Op, Stage, Why, call, param
from windtunnel.catalogue.interview.q10_ticketmaster.board import BOARD
from windtunnel.catalogue.interview.q10_ticketmaster.claims import CLAIMS, DEMANDS, FIGURES, SOURCES
from windtunnel.catalogue.interview.q10_ticketmaster.counting import CountedDatabase
from windtunnel.catalogue.interview.q10_ticketmaster.deaths import matrix
from windtunnel.catalogue.interview.q10_ticketmaster.measures import audit, measure, seats, sold, tries
from windtunnel.catalogue.interview.q10_ticketmaster.rig import Rig
from windtunnel.catalogue.interview.q10_ticketmaster.script import TAKE
from windtunnel.engines import (
    Aborted,
    AtLeast,
    AtMost,
    CachePort,
    Conflict,
    Plus,
    Row,
    Where,
)
from windtunnel.workload import poisson

ASKED_AGAIN = 20
"""How often the cache is asked again after a lost answer, before nobody can tell."""


@dataclass(frozen=True)
class Params:
    """How many want how much, how fast."""

    stock: int = param(100, "tickets", 1, 1000)
    buyers: int = param(800, "people who want one", 1, 1000)
    arrivals_per_s: float = param(800.0, "buyers who come in a second (without tills)", 1.0, 1e6)
    tills: int = param(
        0, "0: the doors are open; n: n tills, each serves its next buyer when the last has gone", 0, 500
    )
    connections: int = param(8, "connections to the database, and as many to the cache", 1, 16)
    isolation: Literal["serializable", "repeatable read"] = param(
        "serializable", "isolation level of `serializable`", choices=("serializable", "repeatable read")
    )
    backoff_s: float = param(0.005, "most seconds that an optimist waits before trying again", 0.0, 1.0)
    leave: float = param(0.1, "share of buyers who choose and then do not pay", 0.0, 1.0)
    pay_s: float = param(0.1, "seconds in which a buyer pays, median", 0.0, 5.0)
    hold_s: float = param(0.25, "seconds for which a seat is held", 0.01, 5.0)
    servers: int = param(4, "application servers of `hold_then_pay`", 1, 8)
    door: int = param(2, "buyers whom each of these lets look for a seat at once", 1, 60)
    poll_s: float = param(0.02, "seconds until they look again, while all seats are held", 0.02, 1.0)
    patience_s: float = param(4.0, "seconds after which who waits for a seat gives up", 0.0, 5.0)
    places: int = param(12, "places at which a server dies, in a small sale each, as far as there are so many", 0, 16)
    drawn: int = param(0, "small sales whose deaths are drawn by lot", 0, 60)
    fail_over_s: float = param(0.0, "second at which the cache's primary dies and its copy takes over; 0: never", 0, 10)
    lag_s: float = param(0.02, "seconds by which that copy is behind, in the model", 0.0, 1.0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`buy(buyer, pays_after_s)`; a buyer who leaves never pays (None)."""
    times = poisson(p.arrivals_per_s, luck, count=p.buyers)
    for buyer in range(p.buyers):
        pays: float | None = luck.lognormvariate(0, 0.8) * p.pay_s
        if luck.random() < p.leave:
            pays = None
        at = next(times)
        if p.tills:
            yield Op(0.0, f"till {buyer % p.tills}", "buy", (buyer, pays), think_s=0.0)
        else:
            yield Op(at, f"buyer {buyer}", "buy", (buyer, pays))


def faults(p: Params) -> Sequence[Fault]:
    """The primary of the cache dies, where that is asked for."""
    return (call("cache", "fail_over", at_s=p.fail_over_s),) if p.fail_over_s else ()


class Shop:
    """What every design shares: two tables, and the count at the end."""

    unique: Sequence[Sequence[str]] = ()
    """What no two sales may have in common, beside the buyer."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.p = p
        self.stage = stage
        self.db = CountedDatabase(stage.database("db", connections=p.connections))
        self.retries_of: Counter[int] = Counter()
        if p.fail_over_s:  # it dies beside every design, also beside those that do not ask it
            self.cache = self.opened()

    async def start(self) -> None:
        columns = {"id": int, "stock": int, "version": int}
        await self.db.create_table("event", columns, [{"id": 1, "stock": self.p.stock, "version": 0}])
        await self.db.create_table("sale", {"id": int, "ticket": int, "state": str}, unique=self.unique)

    async def report(self) -> Mapping[str, object]:
        statements = self.db.tally.count
        rows = await self.db.select("sale")
        return {
            "sold": [row["ticket"] for row in rows if row["state"] in ("sold", "paid")],
            "retries_of": list(self.retries_of.items()),
            "statements": statements,
        }

    def opened(self) -> CachePort:
        """The cache, with a copy where its primary is going to die."""
        return self.stage.cache(
            "cache",
            connections=self.p.connections,
            replicas=1 if self.p.fail_over_s else 0,
            model={"lag_s": self.p.lag_s},
        )

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        """The ticket, or None. Who has one already, and asks again since nobody answered, is told which."""
        with contextlib.suppress(Conflict):  # a sale has its buyer's number: the database refuses a second one
            return await self.sell(buyer, pays_after_s)
        return await self.mine(buyer)

    async def sell(self, buyer: int, pays_after_s: float | None) -> int | None:
        """What each design does in its own way. May raise Conflict: the buyer has a ticket."""
        raise NotImplementedError  # unclaimed: each design has its own

    async def mine(self, buyer: int) -> int | None:
        """The ticket that this buyer has already."""
        sale = await self.db.get("sale", buyer)
        return None if sale is None else int(sale["ticket"] or 0)

    async def again(self, buyer: int) -> None:
        """Count a retry, and wait for up to `backoff_s`, at random, so that those who collided do not meet again."""
        self.retries_of[buyer] += 1
        await asyncio.sleep(self.stage.luck("back-off").uniform(0, self.p.backoff_s))


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


class Serializable(Shop):
    """Look, then write, at an isolation level that refuses whoever was overtaken; then try again."""

    async def sell(self, buyer: int, pays_after_s: float | None) -> int | None:
        while True:
            with contextlib.suppress(Aborted):
                async with self.db.transaction(self.p.isolation) as t:
                    ticket = stock(await t.get("event", 1))
                    if ticket < 1:
                        break
                    await t.update("event", {"id": 1}, {"stock": ticket - 1})
                    await t.insert("sale", {"id": buyer, "ticket": ticket, "state": "sold"})
                return ticket
            await self.again(buyer)
        return await self.mine(buyer)


class VersionColumn(Shop):
    """Write only if the version is still the one that was read, else read again."""

    async def sell(self, buyer: int, pays_after_s: float | None) -> int | None:
        while True:
            # One transaction, one connection: whoever gives it back between reading and writing queues for the next
            # one behind everybody else, and finds that what was read is always stale.
            with contextlib.suppress(Aborted):  # SQLite says so at once where PostgreSQL finds no row to change
                async with self.db.transaction() as t:
                    event = await t.get("event", 1)
                    ticket = stock(event)
                    if event is None or ticket < 1:
                        break
                    seen: Where = {"id": 1, "version": event["version"]}
                    if await t.update("event", seen, {"stock": ticket - 1, "version": Plus(1)}):
                        await t.insert("sale", {"id": buyer, "ticket": ticket, "state": "sold"})
                        return ticket
            await self.again(buyer)
        return await self.mine(buyer)


class RowLock(Shop):
    """Lock the row while reading it, and let everybody else wait for it."""

    async def sell(self, buyer: int, pays_after_s: float | None) -> int | None:
        async with self.db.transaction() as t:
            ticket = stock(await t.get("event", 1, lock=True))
            if ticket >= 1:
                await t.update("event", {"id": 1}, {"stock": ticket - 1})
                await t.insert("sale", {"id": buyer, "ticket": ticket, "state": "sold"})
                return ticket
        return await self.mine(buyer)  # behind the transaction: others wait for the row


class ConditionalUpdate(Shop):
    """One statement takes a ticket if there is one; the database tests and writes in one step."""

    async def sell(self, buyer: int, pays_after_s: float | None) -> int | None:
        async with self.db.transaction() as t:
            left = await t.update_returning("event", {"id": 1, "stock": AtLeast(1)}, {"stock": Plus(-1)})
            if left:
                ticket = stock(left[0]) + 1
                await t.insert("sale", {"id": buyer, "ticket": ticket, "state": "sold"})
                return ticket
        return await self.mine(buyer)


class SoldOut(Exception):
    """Rolls back a sale that found no ticket."""

    outcome = "fail"


class InsertFirst(Shop):
    """Record the sale first and take from the stock last, so that the row is kept for the commit alone."""

    async def sell(self, buyer: int, pays_after_s: float | None) -> int | None:
        try:
            async with self.db.transaction() as t:
                # No number is known yet: a ticket without a seat goes by that of its sale.
                await t.insert("sale", {"id": buyer, "ticket": buyer, "state": "sold"})
                if not await t.update("event", {"id": 1, "stock": AtLeast(1)}, {"stock": Plus(-1)}):
                    raise SoldOut
        except SoldOut:
            return None
        return buyer


class CacheScript(Shop):
    """A script in the cache counts, and the database writes down what was sold."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        if not p.fail_over_s:
            self.cache = self.opened()

    async def start(self) -> None:
        await super().start()
        await self.cache.set("stock", self.p.stock)
        # The sale begins when the copy has heard of it.
        await asyncio.sleep(2 * self.p.lag_s)  # unclaimed: it may begin later

    async def sell(self, buyer: int, pays_after_s: float | None) -> int | None:
        ticket = await self.next_number(buyer, 0)
        if ticket is not None:
            await self.db.insert("sale", {"id": buyer, "ticket": ticket, "state": "sold"})
        return ticket

    async def next_number(self, buyer: int, attempt: int) -> int | None:
        """A number for this try of the buyer's; a lost answer is asked for again, which counts nothing twice."""
        for _ in range(ASKED_AGAIN):
            self.db.tally.count += 1  # a script is a question like any other
            with contextlib.suppress(ConnectionError):
                found = await self.cache.run(TAKE, ["stock", f"buyer {buyer}, try {attempt}"])
                return None if found is None else int(str(found))
            await self.again(buyer)  # unclaimed: the copy takes over at once
        raise TimeoutError


class UniqueNumber(CacheScript):
    """The same, and no two sales may have one number: the database refuses what the cache has forgotten."""

    unique = (("ticket",),)

    async def sell(self, buyer: int, pays_after_s: float | None) -> int | None:
        for attempt in count():
            ticket = await self.next_number(buyer, attempt)
            if ticket is None:
                return None
            with contextlib.suppress(Conflict):
                await self.db.insert("sale", {"id": buyer, "ticket": ticket, "state": "sold"})
                return ticket
            known = await self.mine(buyer)
            if known is not None:
                return known
            await self.again(buyer)
        return None


class HoldThenPay(Shop):
    """Hold a seat for a while, let it be paid only as long as it is held, and let who waits do so at the door."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        # Each application server keeps its own queue of open requests, and nothing else: who holds what is in the
        # table, where all of them look.
        self.doors = [asyncio.Semaphore(p.door) for _ in range(p.servers)]

    async def start(self) -> None:
        await super().start()
        columns = {"id": int, "buyer": int, "until": float, "state": str}
        open_seats: list[Row] = [{"id": n, "until": 0.0, "state": "open"} for n in range(1, self.p.stock + 1)]
        await self.db.create_table("seat", columns, open_seats)

    async def sell(self, buyer: int, pays_after_s: float | None) -> int | None:
        known = await self.mine(buyer)
        if known is not None:  # unclaimed: he would pay a second time, at a bank that is not here
            return known  # unclaimed: as above
        gives_up = self._now() + self.p.patience_s
        async with self.doors[buyer % self.p.servers]:
            seat = await self._hold(buyer, gives_up)
        if seat is not None and pays_after_s is not None:
            await asyncio.sleep(pays_after_s)
            async with self.db.transaction() as t:
                if await t.update("seat", self.fence(seat, buyer), {"state": "paid"}):
                    await t.insert("sale", {"id": buyer, "ticket": seat, "state": "paid"})
                    return seat  # unclaimed: he would look it up
        # His own sale may have been on its way to the disk when he asked again.
        return await self.mine(buyer)  # unclaimed: a test asks twice at once; by lot it is one of 600 deaths

    def fence(self, seat: int, buyer: int) -> Where:
        """What must be so when the money comes: the seat is still this buyer's, and still held."""
        return {"id": seat, "buyer": buyer, "state": "open", "until": AtLeast(self._now())}

    async def _hold(self, buyer: int, gives_up: float) -> int | None:
        """A seat that nobody holds any more; None once all are paid, or the buyer has waited long enough."""
        more = int(max(0.0, gives_up - self._now()) / self.p.poll_s)
        looks = 1 + more  # unclaimed: one look more or less
        for _ in range(looks):
            async with self.db.transaction() as t:
                free: Where = {"state": "open", "until": AtMost(self._now())}
                # Seats that somebody else is just taking are left out, so that nobody waits for a row.
                found = await t.select("seat", free, limit=1, lock=True, skip_locked=True)
                for seat in found:
                    held = {"buyer": buyer, "until": self._now() + self.p.hold_s}
                    await t.update("seat", {"id": seat["id"]}, held)
            if found:
                return int(found[0]["id"] or 0)
            if not await self.db.select("seat", {"state": "open"}, limit=1):
                break
            await asyncio.sleep(self.p.poll_s)
        return None

    @staticmethod
    def _now() -> float:
        return time.time()  # of the day: servers that share a table have no other clock in common


def stock(event: Row | None) -> int:
    """How many tickets a row of `event` says that there are; none where there is no row."""
    return int(event["stock"] or 0) if event is not None else 0


experiment = Experiment(
    title="Ticketmaster: a hundred tickets, eight hundred buyers",
    question="Which ways to sell the last ticket sell it only once, and what do they cost in a stampede?",
    params=Params,
    workload=workload,
    faults=faults,
    designs={
        "look_then_write": LookThenWrite,
        "serializable": Serializable,
        "version_column": VersionColumn,
        "row_lock": RowLock,
        "conditional_update": ConditionalUpdate,
        "insert_first": InsertFirst,
        "cache_script": CacheScript,
        "unique_number": UniqueNumber,
        "hold_then_pay": HoldThenPay,
    },
    measure=measure,
    rig=Rig,
    audit=audit,
    charts=(
        Chart("Tickets sold", "second", "tickets sold", sold),
        Chart("Seats, by how many buyers own them", "seat", "row", seats, kind="heat"),
        Chart(
            "What came of a death: 0 right, 1 lost or wrong, 2 doubled",
            "place at which the server died",
            "0 asks again, 1 asks when all is sold, 2 gone, 3 power",
            matrix,
            kind="heat",
        ),
        Chart("Tries by crowd", "buyers inside", "tries of a buyer, mean", tries, log="x"),
    ),
    shows=("answered_share", "latency_p50_ms", "latency_p99_ms"),
    asks=(
        Ask(
            "A hundred tickets, eight hundred buyers at once. How many tickets does look-then-write sell?",
            "look_then_write.sold",
            "tickets",
            10,
            10_000,
            log=True,
        ),
        Ask(
            "How often do buyers at isolation level `serializable` have to start anew, for each ticket that is sold?",
            "serializable.retries / serializable.sold",
            "retries a sale",
            0.1,
            1000,
            log=True,
        ),
    ),
    why=(
        Why("Others look at the same number before it is written.", "look_then_write.oversold > 0"),
        Why(
            "A row is kept until the commit: what is done before it is taken makes nobody wait.",
            "insert_first.latency_max_ms < 0.8 * conditional_update.latency_max_ms",
        ),
        Why(
            "A cache's copy runs behind, and what it has not heard is sold again.",
            "cache_script.sold_twice > 0",
        ),
        Why(
            "A hold that runs out gives the ticket of who leaves to who waits.",
            "hold_then_pay.sold == params.stock",
        ),
    ),
    stages=("sim", "sqlite", "postgres"),
    seeds=3,
    quick={"stock": 24, "buyers": 100, "arrivals_per_s": 1200.0, "leave": 0.3, "pay_s": 0.05, "hold_s": 0.15},
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "What can happen between the statement that looks and the statement that writes?",
        "Which one statement can both test that there is a ticket and take it?",
        "From which statement on do the others wait for the row, and until when? What could be done before?",
        "Who gets the ticket of a buyer who closes the browser, and what if the payment arrives after that?",
    ),
    sources=SOURCES,
    board=BOARD,
)
