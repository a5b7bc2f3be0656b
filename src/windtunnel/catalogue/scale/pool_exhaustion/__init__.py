"""A request writes, asks a provider, and writes again. The provider hangs, and the connections are held by who waits.

**Clarify.** What holds a connection: a query, a lock that somebody else keeps, or a request that waits for something
else with its transaction open? How long may that take, and who gives up first? May a payment be asked for twice?

**Estimate.** By Little's law a pool needs as many connections as come in a second times the seconds that each is held.
{buys:.0f} purchases a second that hold one for {work:.0f} ms need {need:.1f}. When the provider hangs the same
{buys:.0f} take {pool} connections in {full:.1f} s. From then on the pool gives out {pool} in every {limit:.0f} s that a
call may last; with a limit of 30 s that is {left:.2f} a second. Nothing is used up as long as rate times limit stays
well below the pool: here for limits well below {edge:.1f} s.

**Design.** One pool, and requests that only read a row, in less than a millisecond, are turned away because others wait
for a provider. Three times the connections buy {more:.0f} s. It is good enough where the limit is short, and with any
limit it comes back by itself when the provider does.

**Deep dive: a leak.** Give the connection back in the last line, which an error passes by, and it does not come back:
every call that fails takes a connection with it. When it has taken all, nobody is answered by a provider that is well.

**Deep dive: time limits.** A limit of {short:.1f} s for whatever is waited for with a connection in hand keeps the
pool. But a provider that takes a second to answer then answers few. And who gives up inside of a transaction rolls
back the order, while the provider, which was asked, works all the same: payments that no row knows.

**Deep dive: two pools.** Two connections for reads, which is more than they need, and the rest for purchases: reads are
answered whatever else is wrong. Among the purchases nothing is better; they have fewer connections. With a provider
that takes a second {rest} carry {carry:.0%} of them.

**Deep dive: give it back.** Write the order, commit, ask the provider without a connection, and write again. The pool
does not notice that the provider hangs or is slow, and the limit may be as long as the provider needs. Its price is a
second commit, later answers when all is well, and orders that stay "asked", with what they took of the stock, when
nobody answers: somebody has to ask again what became of them. But they are there, and a rollback has none. And who has
paid, and then finds no connection, must not be told no.

**Deep dive: a locked row.** Giving back does not help where the database itself is waited for: somebody keeps a row
locked, and all who want it stand in the database with a connection each. PostgreSQL waits for a lock as long as it
takes, unless told otherwise. A limit for the statement frees those connections, and who buys something else is served.
That is Little's law again: where {rush:.1f} a second want the row, {short:.1f} s each hold {held:.1f} connections, and
a pool of {small} makes reads wait. Two pools keep the reads out of that, and leave {one} connection for all purchases.
So let one at a time ask for a row, and the next wait before he takes a connection: then one is held, whoever else wants
the row, and one pool serves reads and all other purchases.

**Real systems.** HikariCP has ten connections by default and lets a request wait 30 s for one. Helal tells of a service
in which HTTP calls inside of a transaction took all of them, and the errors were those of a database that was well.

**Left open.** How many wait for the provider at once is bounded here by the limit alone: a circuit or a bound there is
another experiment (circuit-breaker). A job that locks many rows, each of which has its turn; several services, each
with turns of its own; a pool so large that it hurts the database, and poolers between the two. On PostgreSQL the
provider is a process that is really stopped, and the row is really locked; who gives up there has his statement
cancelled, where the model lets it stand until the lock is free.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from itertools import chain
from random import Random
from typing import Literal

from windtunnel import Ask, Chart, Experiment, Fault, Map, Op, Stage, Why, param, pause, slow
from windtunnel.blocks.resilience import Bulkhead, BulkheadFull
from windtunnel.catalogue.scale.pool_exhaustion.judging import (
    CLAIMS,
    DEMANDS,
    FEW,
    FIGURES,
    FOR_READS,
    FREE,
    GIVEN_BACK,
    HOT,
    HOT_SHARE,
    KEPT,
    LEAK,
    NONE_LEFT,
    ONE_EACH,
    PRICE,
    RUSH_PER_S,
    SHORT_S,
    SLOW_S,
    SLOWED,
    SOURCES,
    STOCK,
    WELL_S,
    WORK_S,
    answered_reads,
    audit,
    carried,
    measure,
    outcomes,
    run_s,
)
from windtunnel.engines import Plus, Statements
from windtunnel.workload import lognormal, poisson, requests

ITEMS = 200  # unclaimed: so many that two who buy the same seldom meet
EVERYBODY = 10**6  # unclaimed: time alone bounds the wait for a connection
WORKERS = 64  # unclaimed: with more of them nothing changes
TRIPLE = 3


@dataclass(frozen=True)
class Params:
    """Who asks for what, how many connections there are, and what goes wrong."""

    reads: float = param(8.0, "requests a second that read one row", 4.0, 20.0)
    buys: float = param(8.0, "requests a second that write, ask the provider, and write again", 4.0, 40.0)
    pool: int = param(8, "connections to the database", 2, 40)
    wait_s: float = param(1.0, "seconds that a request waits for a connection", 0.1, 5.0)
    limit_s: float = param(5.0, "seconds that a request waits for the provider", 0.05, 30.0)
    trouble: Literal["hangs", "slow", "locked"] = param(
        "hangs",
        "the provider hangs, or is fifty times slower, or somebody keeps a row locked",
        choices=("hangs", "slow", "locked"),
    )
    trouble_s: float = param(8.0, "seconds for which that lasts", 2.0, 60.0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`read(item)` and `buy(order, item, work_s)`: two Poisson streams; `take_stock(seconds)` locks a row."""

    def item() -> int:
        hot = p.trouble == "locked" and luck.random() < HOT_SHARE
        return HOT if hot else luck.randrange(HOT + 1, ITEMS)

    def order(i: int) -> tuple[int, int, float]:
        return i, item(), lognormal(WORK_S, 0.5, luck)

    reads = requests(poisson(p.reads, luck, until_s=run_s(p)), "read", lambda _: (item(),))
    buys = requests(poisson(p.buys, luck, until_s=run_s(p)), "buy", order)
    job = [Op(WELL_S, "job", "take_stock", (p.trouble_s,))] if p.trouble == "locked" else []
    return chain(reads, buys, job)


def faults(p: Params) -> Sequence[Fault]:
    """What becomes of the provider."""
    if p.trouble == "hangs":
        return (pause("provider", at_s=WELL_S, for_s=p.trouble_s),)
    return (slow("provider", to=SLOWED, at_s=WELL_S, for_s=p.trouble_s),) if p.trouble == "slow" else ()


class Shared:
    """One pool for all, and a request keeps its connection until it is through."""

    times = 1
    statement_s: float | None = None
    """How long a statement may take: as PostgreSQL has it, as long as it takes."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.p = p
        self.ask_s = p.limit_s
        size = self.times * p.pool
        self.db = stage.database("db", connections=size + 2)  # the job has one of its own, and who reports
        self.provider = stage.server("provider", workers=WORKERS)
        self.now = stage.clock
        self.asked: list[tuple[int, float]] = []
        self.for_reads, self.for_buys = self.pools(size)

    def pools(self, size: int) -> tuple[Bulkhead, Bulkhead]:
        """Which connections are for reads, and which for purchases."""
        one = self.places(size)
        return one, one

    def places(self, size: int) -> Bulkhead:
        """So many of the connections; who finds none waits in the order of coming."""
        return Bulkhead(size, queue_limit=EVERYBODY, wait_s=self.p.wait_s)

    async def start(self) -> None:
        stock = [{"id": item, "price": PRICE + item, "stock": STOCK} for item in range(ITEMS)]
        await self.db.create_table("item", {"id": int, "price": int, "stock": int}, stock)
        await self.db.create_table("sale", {"id": int, "state": str})
        self.began = self.now()

    async def read(self, item: int) -> int | None:
        async with self.for_reads:
            row = await self.db.get("item", item)
        return None if row is None else int(row["price"] or 0)

    async def buy(self, order: int, item: int, work_s: float) -> None:
        async with self.for_buys, self.db.transaction() as t:
            await self.write(t, order, item)
            await self.ask(order, work_s)
            await t.update("sale", {"id": order}, {"state": "paid"})

    async def write(self, t: Statements, order: int, item: int) -> None:
        """Take one of the stock, and note the order."""
        async with asyncio.timeout(self.statement_s):
            await t.update("item", {"id": item}, {"stock": Plus(-1)})
            await t.insert("sale", {"id": order, "state": "asked"})  # unclaimed: no word is not "paid" either

    async def ask(self, order: int, work_s: float) -> None:
        """Let the provider take the money. Raises TimeoutError: nobody can tell whether it will."""
        self.asked.append((order, self.now() - self.began))
        async with asyncio.timeout(self.ask_s):
            await self.provider.serve(work_s)

    async def take_stock(self, seconds: float) -> None:
        """Somebody else's program: it locks a row, and is slow."""
        async with self.db.transaction() as t:
            await t.get("item", HOT, lock=True)
            await asyncio.sleep(seconds)

    async def report(self) -> Mapping[str, object]:
        rows = await self.db.select("sale")
        return {"asked": self.asked, "sales": [(row["id"], row["state"]) for row in rows]}


class Leaky(Shared):
    """The same, but the connection is given back in the last line, and an error passes that by."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.out: list[AsyncExitStack] = []

    async def buy(self, order: int, item: int, work_s: float) -> None:
        held = AsyncExitStack()
        await held.enter_async_context(self.for_buys)
        t = await held.enter_async_context(self.db.transaction())
        self.out.append(held)
        await self.write(t, order, item)
        await self.ask(order, work_s)
        await t.update("sale", {"id": order}, {"state": "paid"})
        self.out.remove(held)
        await held.aclose()

    async def stop(self) -> None:
        """The end of the process: the database takes back what is still out."""
        gone = ConnectionError("The process is gone.")  # unclaimed: on a real server nothing else could be closed
        for held in self.out:
            with suppress(ConnectionError):
                await held.__aexit__(ConnectionError, gone, None)


class Bigger(Shared):
    """One pool, three times as large."""

    times = TRIPLE


class Deadlines(Shared):
    """One pool, and nothing that is waited for with a connection in hand may take longer than 0.3 s."""

    statement_s = SHORT_S

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.ask_s = min(p.limit_s, SHORT_S)


class Split(Shared):
    """Two connections are for reads, and the others for what asks the provider: a bulkhead."""

    def pools(self, size: int) -> tuple[Bulkhead, Bulkhead]:
        kept = min(FOR_READS, size - 1)
        return self.places(kept), self.places(size - kept)


class GivenBack(Shared):
    """One pool; the connection is given back before the provider is asked, and another one is taken afterwards."""

    async def buy(self, order: int, item: int, work_s: float) -> None:
        await self.take(order, item)
        await self.ask(order, work_s)
        await self.note(order)

    async def take(self, order: int, item: int) -> None:
        """Note the order, before anybody is asked."""
        async with self.for_buys, self.db.transaction() as t:
            await self.write(t, order, item)

    async def note(self, order: int) -> None:
        """Write that it is paid. Raises TimeoutError: a refusal now would say that nothing has happened."""
        try:
            async with self.for_buys:
                await self.db.update("sale", {"id": order}, {"state": "paid"})
        except BulkheadFull as full:
            raise TimeoutError(
                "Paid, and not written down."
            ) from full  # unclaimed: half of the seeds see nobody pay then


class AllThree(GivenBack):
    """Given back before the provider is asked; no statement takes longer than 0.3 s; one at a time asks for a row."""

    statement_s = SHORT_S

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.turns = [self.places(1) for _ in range(ITEMS)]

    async def take(self, order: int, item: int) -> None:
        async with self.turns[item]:
            await super().take(order, item)


SAID = Params()
__doc__ = (__doc__ or "").format(
    buys=SAID.buys,
    work=1e3 * WORK_S,
    need=SAID.buys * WORK_S,
    pool=SAID.pool,
    full=SAID.pool / SAID.buys,
    limit=SAID.limit_s,
    left=SAID.pool / 30,
    edge=SAID.pool / SAID.buys,
    more=(TRIPLE - 1) * SAID.pool / SAID.buys,
    short=SHORT_S,
    rest=SAID.pool - FOR_READS,
    carry=carried(SAID.pool - FOR_READS, SAID.buys, SLOW_S),
    rush=RUSH_PER_S,
    held=RUSH_PER_S * SHORT_S,
    small=FEW,
    one=FEW - FOR_READS,
)

experiment = Experiment(
    title="Pool exhaustion",
    question="One dependency hangs: how do you keep it from taking every connection to the database?",
    params=Params,
    workload=workload,
    designs={
        "shared": Shared,
        "leaky": Leaky,
        "bigger": Bigger,
        "deadlines": Deadlines,
        "split": Split,
        "given_back": GivenBack,
        "all_three": AllThree,
    },
    measure=measure,
    audit=audit,
    faults=faults,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("Reads", "second", "reads answered a second", answered_reads),
        Chart("Purchases in the time of trouble", "end", "share of the purchases", outcomes, kind="bars"),
    ),
    asks=(
        Ask(
            "Eight connections, eight purchases a second that hang. After how many seconds is none left?",
            "shared.full_s",
            "s",
            0,
            8,
        ),
        Ask("And with three times the connections?", "bigger.full_s", "s", 0, 8),
        Ask("How many of 100 reads are answered while the provider hangs?", "100 * shared.reads", "of 100", 0, 100),
    ),
    why=(
        Why("Who waits for the provider keeps a connection, and there are no more than the pool has.", NONE_LEFT),
        Why("An error that passes the last line by keeps its connection for ever.", LEAK),
        Why("Who has no connection while he waits for the provider takes none from anybody.", FREE),
        Why("What a provider needs longer than a limit nobody is sold.", GIVEN_BACK),
        Why("A limit for the statement frees the connections of those who wait for a row.", KEPT),
        Why("Who waits for his turn outside of the pool holds no connection.", ONE_EACH),
    ),
    maps=(
        Map(
            "shared.reads > 0.9",
            "limit_s",
            "pool",
            (0.2, 4.0),
            (4, 40),
            line="buys * limit_s < pool",
            given={"trouble": "hangs", "trouble_s": 12.0},
        ),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "Eight purchases a second wait for the provider. What does each of them have in its hand?",
        "What does the transaction need the connection for while the provider works? What if it were two transactions?",
        "Then somebody keeps a row locked. Who waits in the database now, for how long, and how many of them need to?",
    ),
    sources=SOURCES,
    stages=("sim", "postgres"),
    seeds=4,
    quick={"pool": 4, "wait_s": 0.5, "limit_s": 2.5, "trouble_s": 4.0},
)
