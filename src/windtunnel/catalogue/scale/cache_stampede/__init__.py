"""A value that everybody reads expires, and everybody who then asks computes it anew.

**Clarify.** How often is the value read, how long does it take to compute, and how old may an answer be? How many
application servers are there, and may they share anything but the cache? What happens when one of them dies at work?

**Estimate.** Whoever asks between the expiry and the first new copy finds nothing, and computes: 1 + rate x time of
them. At {rate:.0f} reads a second and {recompute:.1f} s of work that is {plain:.0f} a cycle where one would do, for a
database that does {workers} at a time. Where the product is below one that makes less than two: plain expiry will do.

**Design.** The usual proposals look at the wrong thing. Expiries with jitter keep many keys from expiring together; of
one key they move the moment, and the crowd is as large. Joining the computation that is under way works inside of one
process, so that every application server that is asked makes its own: {servers} servers, up to {servers} computations.
A lock in the cache leaves one in all, and the price is that everybody waits while it runs.

**Deep dive: the holder dies.** Then the lock stands until its own time is up, and everybody waits for that as well.
Made short, it runs out while the holder still computes, and others begin too. A copy that is kept beyond its expiry
makes the wait go away: who does not get the token is answered with the old value. If who gets it computes in the
background, nobody waits at all while there is one. The price is age. A key that is seldom read is answered with what
somebody left there long ago, and "expires after {ttl:.0f} s" is no longer true.

**Deep dive: before it expires.** Early refresh (XFetch) asks no one. Each reader throws dice whose luck depends on the
time that is left and on how long the last computation took, and nothing is ever told beyond its time to live. Where
a key is read often, the first is on average early enough, and until its copy is there others throw too: together e, or
{e:.1f} computations a cycle, whatever the rate. It needs a copy to begin with: an empty cache is stampeded as before.
The dice are for readers who have no token in common. Those who have need none: who first finds less time left than two
computations take gets the token and computes in the background, while the old value is good. That is one computation a
cycle, nobody waits, and what is read often is not told beyond its time. It is computed somewhat more often, since it is
renewed before its end, and of keys that are seldom read the old value is told all the same.

**Scale.** A crowd of computations stands in the same queue as those for all other keys, so a hot key makes cold ones
slow; and where the crowd waits longer than clients do, answers are lost.

**Real systems.** Memcache at Facebook has leases for this. nginx answers with the old copy while one request updates
it, if told so, and HTTP has a word for it, stale-while-revalidate. A real Valkey, with a process that burns processor
time in the database's place, shows the same counts (`--stage valkey`).

**Left open.** Values that are deleted because something was written, which is what leases were made for in the first
place; a cache that throws out what it has no room for; an application server's own copy in its own memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass
from math import e
from random import Random
from typing import Any, NamedTuple

from windtunnel import Ask, Chart, Experiment, Map, Op, Stage, Why, param
from windtunnel.blocks.caching import SingleFlight, due_early
from windtunnel.catalogue.scale.cache_stampede.judging import (
    AHEAD,
    CLAIMS,
    CROWD,
    DEMANDS,
    ENOUGH,
    FIGURES,
    HOT,
    KEPT,
    KEYS,
    PER_SERVER,
    SOURCES,
    ages,
    at_work,
    audit,
    measure,
    run_s,
    work_s,
)
from windtunnel.workload import poisson, requests

CONNECTIONS = 64  # unclaimed: so many that nobody waits for one
"""To the cache, of all application servers together."""
PATIENCE_S = 2.0  # unclaimed: any time that the crowd takes longer than
"""How long who asks waits for an answer."""
POLL_S = 0.05  # unclaimed: any time that is short beside a computation
"""How often who waits for somebody else's computation looks whether it is there."""
SPREAD = 0.3  # unclaimed: any width that is long beside a computation
"""By which part of it a time to live is made longer or shorter, at most."""
MARGIN = 2.0
"""How many times what computing takes before its expiry a value is renewed."""


@dataclass(frozen=True)
class Params:
    """How often what is read, how long it takes to compute, and who dies."""

    hot_per_s: float = param(50.0, "reads of the hot key in a second", 0.5, 200.0)
    others_per_s: float = param(20.0, "reads in a second of 40 other keys, alike", 0.5, 300.0)
    servers: int = param(5, "application servers", 1, 20)
    workers: int = param(4, "computations that the database does at once", 1, 500)
    ttl_s: float = param(2.0, "seconds until a value expires", 1.0, 10.0)
    recompute_s: float = param(0.2, "seconds that the hot value takes to compute; another takes a fifth", 0.02, 0.5)
    token_s: float = param(1.0, "seconds for which a lock or token stands, if it is not given back", 0.05, 10.0)
    dies_every: int = param(0, "every n-th computation of the hot value kills the server that makes it; 0: none", 0, 10)
    cold: int = param(0, "1: the cache is empty when the first request comes", 0, 1)
    cycles: int = param(3, "how many times to live, with what computing takes, the run lasts", 2, 60)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`get(key, server)`: Poisson arrivals; key 0 is the hot one, and any server gets any request."""
    both = p.hot_per_s + p.others_per_s

    def asked(_: int) -> tuple[int, int]:
        key = HOT if luck.random() * both < p.hot_per_s else 1 + luck.randrange(KEYS)
        return key, luck.randrange(p.servers)

    return requests(poisson(both, luck, until_s=run_s(p)), "get", asked)


class Died(ConnectionError):
    """The application server died, and whoever waited for it has lost its connection."""


class Copy(NamedTuple):
    """A value as it lies in the cache; what it is worth is when it was read from the database."""

    as_of_s: float
    expires_s: float
    took_s: float


class PlainExpiry:
    """Who finds nothing in the cache computes it, and puts it there."""

    kept = 0.0
    """How many times to live a copy is kept beyond its expiry."""
    origin_s: float
    """The moment of the stage's clock at which the run begins."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.stage, self.p = stage, p
        self.cache = stage.cache("cache", connections=CONNECTIONS)
        self.database = stage.server("database", workers=p.workers)
        self.loads: list[list[float | None]] = []
        self.hot = 0
        self.tasks: set[asyncio.Task[Any]] = set()

    def now(self) -> float:
        """Seconds of the run."""
        return self.stage.clock() - self.origin_s

    async def start(self) -> None:
        if not self.p.cold:
            for key in range(1 + KEYS):  # unclaimed: a key that nobody reads may lie there, too
                took_s = work_s(self.p, key)
                await self.put(key, -took_s, took_s, 0.0)
        self.origin_s = self.stage.clock()  # unclaimed: the tunnel's clock begins at 0, a real one does not

    async def get(self, key: int, server: int) -> float:
        """The value, which is the second of the run at which the database was asked for it."""
        copy = await self.look(key)
        if copy is None or not self.good(copy):
            async with asyncio.timeout(PATIENCE_S):
                copy = await self.miss(key, server, copy)
        return copy.as_of_s

    async def look(self, key: int) -> Copy | None:
        """What the cache has."""
        text = await self.cache.get(f"value {key}")
        return None if text is None else Copy(*map(float, text.split()))

    def good(self, copy: Copy) -> bool:
        """Whether a copy that is there will do."""
        return True

    async def miss(self, key: int, server: int, old: Copy | None) -> Copy:
        """A new value, where there is none or one that will not do."""
        return await asyncio.shield(self.begun(self.computed(key)))

    def begun(self, work: Coroutine[Any, Any, Copy]) -> asyncio.Task[Copy]:
        """Work that goes on when whoever asked for it has gone."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.ended)
        return task

    def ended(self, task: asyncio.Task[Any]) -> None:
        """Nobody need have waited for it."""
        self.tasks.discard(task)
        if not task.cancelled():
            task.exception()

    async def computed(self, key: int) -> Copy:
        """Ask the database, and put the answer into the cache."""
        as_of_s = self.now()
        load: list[float | None] = [key, as_of_s, None]
        self.loads.append(load)
        self.hot += key == HOT
        dies = key == HOT and self.p.dies_every and self.hot % self.p.dies_every == 0
        await self.database.serve(work_s(self.p, key))
        load[2] = self.now()
        if dies:
            raise Died  # and nothing that stands behind this is done
        return await self.put(key, as_of_s, self.now() - as_of_s, self.now())

    async def put(self, key: int, as_of_s: float, took_s: float, now_s: float) -> Copy:
        """Put a value into the cache."""
        ttl_s = self.ttl_s()
        copy = Copy(as_of_s, now_s + ttl_s, took_s)
        text = " ".join(map(repr, copy))
        await self.cache.set(f"value {key}", text, ttl_s=ttl_s + self.kept * self.p.ttl_s)
        return copy

    def ttl_s(self) -> float:
        """How long the next value lives."""
        return self.p.ttl_s

    def report(self) -> Mapping[str, object]:
        return {"loads": self.loads}


class JitteredExpiry(PlainExpiry):
    """The same, and every value lives a little longer or shorter, by chance."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.luck = stage.random("times to live")

    def ttl_s(self) -> float:
        return self.p.ttl_s + self.p.ttl_s * self.luck.uniform(-SPREAD, SPREAD)


class JoinInFlight(PlainExpiry):
    """Who finds nothing joins the computation of the key that is under way in the same server."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.flights: list[SingleFlight[int, Copy]] = [SingleFlight() for _ in range(p.servers)]

    async def miss(self, key: int, server: int, old: Copy | None) -> Copy:
        return await self.flights[server].do(key, lambda: self.computed(key))


class Lock(PlainExpiry):
    """Who gets the lock in the cache computes; the others look again until the value is there."""

    async def miss(self, key: int, server: int, old: Copy | None) -> Copy:
        mine = str(self.stage.request)
        while not await self.cache.set(f"token {key}", mine, ttl_s=self.p.token_s, absent=True):
            found = await self.instead(key, old)
            if found is not None:
                return found
        return await self.holding(key, mine, old)

    async def instead(self, key: int, old: Copy | None) -> Copy | None:
        """What who has not got the lock does; the value, or None to try for it again."""
        await asyncio.sleep(POLL_S)  # unclaimed: without a pause the cache is asked all the time, and answers
        return await self.look(key)  # unclaimed: who does not look takes the lock in turn, and finds it then

    async def holding(self, key: int, mine: str, old: Copy | None) -> Copy:
        """What who has got it does."""
        return await asyncio.shield(self.begun(self.renewed(key, mine, old)))

    async def renewed(self, key: int, mine: str, old: Copy | None) -> Copy:
        """Compute, unless somebody just did, and give the lock back, if it is still ours."""
        copy = await self.look(key)
        if copy is None or copy == old:
            copy = await self.computed(key)
        await self.cache.compare_and_set(f"token {key}", mine, None)
        return copy


class Lease(Lock):
    """Copies are kept beyond their expiry: who gets the token computes, the others take the old value."""

    kept = KEPT

    def good(self, copy: Copy) -> bool:
        return self.now() < copy.expires_s

    async def instead(self, key: int, old: Copy | None) -> Copy | None:
        return old if old is not None else await super().instead(key, old)


class EarlyRefresh(PlainExpiry):
    """XFetch: every reader throws dice, and with luck computes anew before the value expires."""

    def good(self, copy: Copy) -> bool:
        return not due_early(self.now(), copy.expires_s, copy.took_s, self.stage.luck("early"))


class ServeStale(Lease):
    """The same as the lease, and who gets the token takes the old value too, and computes in the background."""

    async def holding(self, key: int, mine: str, old: Copy | None) -> Copy:
        if old is None:
            return await super().holding(key, mine, old)
        self.begun(self.renewed(key, mine, old))
        return old


class Ahead(ServeStale):
    """The same, and it begins when less time is left than two computations take: the value told is not old yet."""

    def good(self, copy: Copy) -> bool:
        return self.now() < copy.expires_s - MARGIN * copy.took_s


__doc__ = (__doc__ or "").format(
    rate=Params.hot_per_s,
    recompute=Params.recompute_s,
    plain=1 + Params.hot_per_s * Params.recompute_s,
    workers=Params.workers,
    servers=Params.servers,
    ttl=Params.ttl_s,
    e=e,
)

experiment = Experiment(
    title="Cache stampede",
    question="What should happen in the moment in which a value that everybody reads expires?",
    params=Params,
    workload=workload,
    designs={
        "plain": PlainExpiry,
        "jittered": JitteredExpiry,
        "joined": JoinInFlight,
        "lock": Lock,
        "lease": Lease,
        "early": EarlyRefresh,
        "stale": ServeStale,
        "ahead": Ahead,
    },
    stages=("sim", "valkey"),
    measure=measure,
    audit=audit,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("Computations of the hot value", "second", "under way", at_work),
        Chart("How old the hot value is", "second", "age of the answers, s", ages),
    ),
    asks=(
        Ask(
            "A value that is read 50 times a second takes 0.2 s to compute. How often is that done when it expires?",
            "plain.each",
            "computations",
            1,
            1000,
            log=True,
        ),
        Ask(
            "Every reader may refresh it early, by dice, and nobody tells the others. How often now?",
            "early.each",
            "computations",
            1,
            1000,
            log=True,
        ),
    ),
    why=(
        Why("Until the first new copy is there, everybody who asks finds nothing.", CROWD),
        Why("Joining works inside of one process, and there are several.", PER_SERVER),
        Why("One token, taken before the value expires, and the old value for all others.", AHEAD),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    maps=(
        Map(
            ENOUGH,
            "hot_per_s",
            "recompute_s",
            (0.5, 50.0),
            (0.02, 0.5),
            line="hot_per_s * recompute_s < 1",
            log="xy",
            given={"cycles": 10, "workers": 100, "others_per_s": 0.5},
        ),
    ),
    hints=(
        "Count who asks between the expiry and the first new copy. What do they all find?",
        "Who may compute has to be decided where all servers look. What do the others do, and what if that one dies?",
        "An old copy is an answer while somebody computes. Can that somebody begin before the copy is old?",
    ),
    sources=SOURCES,
    seeds=4,
    quick={"hot_per_s": 100.0, "others_per_s": 10.0, "ttl_s": 1.0, "recompute_s": 0.1},
)
