"""A standby shows what the primary committed some time ago. Whoever reads there may miss what he wrote himself.

**Clarify.** Who is told what: an author who comes back to his page, or a reader who knows of no write? How far are the
standbys behind, on an ordinary day and while one of them stands still? May a write wait? May an answered one be lost?

**Estimate.** A read that comes d seconds after a write misses it at a standby that is further behind than d. With
think times of {think:.1f} s, exponential, and standbys {near:.1f} and {far:.1f} s behind, one drawn for each read,
{reload:.2f} of the looks at the own page right after a write miss it. With {small:.0f} ms and half a second it is
{spared:.3f}. Who looks twice at a page that is written once a second goes back in time with probability {back:.2f}.

**Design.** The first proposal is that each session keeps to one standby. Nothing goes back in time there, since a
standby applies one log in its order; the own write is missed as before. And when that standby dies the next one may be
older.

**Deep dive: four guarantees.** Read your writes, monotonic reads, monotonic writes, writes follow reads (Terry and
others): a checker that knows the order of the versions, and no design, says which of them each read breaks. The two
about writes are kept by every standby alone. A reader who sees somebody's later write at one, and misses the earlier at
the other, sees them broken all the same; that is how Jepsen words them.

**Deep dive: two seconds.** Rails reads at the primary for two seconds after a write. Where lag is shorter the own write
is always seen. With people who write often most reads are at the primary. Whoever comes back from there to a standby
goes back in time, and a lag of four seconds is longer than the guess.

**Deep dive: tokens.** A commit has a place in the log, and a standby says how far it has come
(`pg_last_wal_replay_lsn`). Remember the place of the own last write, and read where it has been reached, else, after a
short wait, at the primary: read your writes. What others wrote still comes and goes. So remember the place of what was
read as well, asked for after the read: then all four hold, also while a standby stands still or dies.

**Deep dive: a bound, and waiting.** A bound on staleness holds what it says, and says nothing of the own write. A
commit that waits until all standbys have applied it takes as long as the slowest is behind, or one is dead. The own
write is seen then. But one standby applies it before the other, and a reader of both goes back in time.

**Deep dive: promotion.** Lag has two halves. What was heard and not applied is applied before the standby takes over:
two seconds of that lose nothing. What was not heard is lost, though it was answered: {deaf:.0f} s without news at
{rate:.0f} writes a second are {gone:.0f} writes. No token brings them back. A commit that is answered once any one of
two standbys has written it down is not lost; while none hears, no write is answered.

**Real systems.** A gem for Rails keeps the position of the last write in the session. MongoDB promises all four
guarantees, and that they last, where reads and writes are of the majority.

**Left open.** How old what others wrote may be: a token says nothing of it. Sessions on two devices, which would have
to carry one token; the primary dying together with the one standby that has a write; more standbys, and a new one after
the promotion.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Literal

from windtunnel import Ask, Chart, Experiment, Fault, Map, Op, Stage, Why, call, crash, param
from windtunnel.catalogue.scale.replication_lag.claims import (
    ALL_FOUR,
    APPLIED,
    CALM,
    CLAIMS,
    DEMANDS,
    FIGURES,
    HALF_S,
    LITTLE_S,
    LOST,
    NOT_MINE,
    STICKS,
)
from windtunnel.catalogue.scale.replication_lag.judging import (
    AGAIN,
    CIRCLE,
    OWN_S,
    audit,
    back_at_once,
    by_delay,
    by_guarantee,
    first_missed,
    measure,
    missed_at_once,
    run_s,
    written_per_s,
)
from windtunnel.catalogue.scale.replication_lag.sources import SOURCES
from windtunnel.engines import Row, Standby

PATIENCE_S = 0.5
"""After so long another server is asked."""
POLL_S = 0.01
"""Between two looks at how far a standby has come."""
BEAT_S = 0.1
"""Between two beats, by which a standby's age is told."""


@dataclass(frozen=True)
class Params:
    """Who writes and reads how fast, how far the standbys are behind, and what goes wrong."""

    users: int = param(8, "people, four to a circle; each has a page, and reads those of the circle", 4, 32)
    think_s: float = param(0.3, "mean seconds between an answer and the next request, exponential", 0.2, 3.0)
    writes: float = param(0.3, "share of the requests that write the own page", 0.05, 0.6)
    near_s: float = param(0.1, "seconds after a commit until the first standby applies it", 0.0, 2.0)
    far_s: float = param(1.0, "and until the second does", 0.0, 4.0)
    wait_s: float = param(0.05, "how long who has a token waits for a standby before the primary is asked", 0.0, 0.4)
    bound_s: float = param(1.5, "how old a standby may be that is read where staleness is bounded", 0.1, 10.0)
    calm_s: float = param(3.0, "seconds before the trouble, and again after it, in which all is well", 1.0, 5.0)
    trouble: Literal["none", "held", "crash", "promote"] = param(
        "held",
        "the second standby applies nothing for a while; or the first dies and comes back; or both hear nothing, "
        "then the primary dies and a standby takes its place",
        choices=("none", "held", "crash", "promote"),
    )
    trouble_s: float = param(3.0, "seconds for which that lasts", 0.0, 10.0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`write(user, page, text)` and `read(user, page)`: each user in a closed loop, thinking before each request.

    After a request half of the users look at the same page again; after the other half they write, or read a page of
    their circle, which may be their own.
    """
    text = 0
    for user in range(p.users):
        first = user - user % CIRCLE
        circle = range(first, min(first + CIRCLE, p.users))
        at, page = 0.0, -1
        while True:
            pause = luck.expovariate(1 / p.think_s)
            at += pause
            if at > run_s(p):
                break
            if page >= 0 and luck.random() < AGAIN:
                op, page = Op(0.0, f"user {user}", "read", (user, page), think_s=pause), -1
            elif luck.random() < (1 + AGAIN) * p.writes:
                text += 1
                op, page = Op(0.0, f"user {user}", "write", (user, user, text), think_s=pause), user
            else:
                page = luck.choice(circle)
                op = Op(0.0, f"user {user}", "read", (user, page), think_s=pause)
            yield op


def faults(p: Params) -> Sequence[Fault]:
    """What goes wrong, after some time in which nothing does."""
    at_s = p.calm_s
    if p.trouble == "held":
        return (call("db standby 2", "hold", at_s=at_s, for_s=p.trouble_s, end="go_on"),)
    if p.trouble == "crash":
        return (crash("db standby", at_s=at_s, for_s=p.trouble_s),)
    if p.trouble == "promote":
        deaf = [call(f"db standby{one}", "part", at_s=at_s) for one in ("", " 2") if p.trouble_s > 0]
        return (*deaf, call("db", "promote", at_s=at_s + p.trouble_s))
    return ()


class AnyReplica:
    """Writes go to the primary, each read to one of the two standbys, by lot."""

    acknowledge: Literal["committed", "written", "applied"] = "committed"
    quorum = 0

    def __init__(self, stage: Stage, p: Params) -> None:
        self.p = p
        self.now = stage.clock
        self.stage = stage
        self.db = stage.database(
            "db",
            connections=4 * p.users,
            standbys=2,
            standby_lag_s=(p.near_s, p.far_s),
            acknowledge=self.acknowledge,
            quorum=self.quorum,
        )
        self.at_primary = 0

    async def start(self) -> None:
        pages = [{"id": user, "text": None} for user in range(self.p.users)]
        await self.db.create_table("page", {"id": int, "text": int}, pages)
        await self.db.create_table("change", {"id": int, "page": int})
        await self.settle()  # unclaimed: on the model every server has a table at once

    async def settle(self) -> None:
        """Wait until the standbys have the tables."""
        position = await self.db.position()
        for standby in self.db.standbys:  # unclaimed: as above
            while await standby.position() < position:  # noqa: ASYNC110 # unclaimed: as above
                await asyncio.sleep(POLL_S)

    async def write(self, user: int, page: int, text: int) -> None:
        """Change the page, and note the change, in one transaction."""
        async with self.db.transaction() as t:
            await t.update("page", {"id": page}, {"text": text})
            await t.insert("change", {"id": text, "page": page})
        await self.written(user)

    async def written(self, user: int) -> None:
        """The user's write is committed, and not yet answered."""

    async def read(self, user: int, page: int) -> int | None:
        """What is on the page, as one of the servers has it."""
        for standby in self.order(user):
            with suppress(OSError):  # it is dead, or does not answer in time: another one does
                async with asyncio.timeout(PATIENCE_S):
                    found = await self.read_at(standby, user, page)
                if found is not None:
                    return text_of(found)
        return text_of(await self.read_first(user, page))

    def order(self, user: int) -> Sequence[Standby]:
        """The standbys that may be asked, in their order; after them the primary is."""
        standbys = list(self.db.standbys)
        self.stage.luck("which standby").shuffle(standbys)
        return standbys

    async def read_at(self, standby: Standby, user: int, page: int) -> Row | None:
        """The row as a standby has it; None where it shall not be read there."""
        return await standby.get("page", page)

    async def read_first(self, user: int, page: int) -> Row | None:
        """The row as the primary has it."""
        self.at_primary += 1
        return await self.db.get("page", page)

    async def report(self) -> Mapping[str, object]:
        rows = await self.db.select("change")
        return {"at_primary": self.at_primary, "changes": [row["id"] for row in rows]}


def text_of(row: Row | None) -> int | None:
    """What is on a page; None where nobody has written yet."""
    text = None if row is None else row["text"]
    return text if isinstance(text, int) else None


class Sticky(AnyReplica):
    """Each user keeps to one standby, and goes to the other only while the own one is dead."""

    def order(self, user: int) -> Sequence[Standby]:
        standbys = list(self.db.standbys)
        return [*standbys[user % 2 :], *standbys[: user % 2]]


class OwnWrites(Sticky):
    """For two seconds after a write its author reads at the primary, and at the own standby otherwise."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.wrote_at: dict[int, float] = {}

    async def written(self, user: int) -> None:
        self.wrote_at[user] = self.now()

    def order(self, user: int) -> Sequence[Standby]:
        just_now = self.now() - self.wrote_at.get(user, float("-inf")) < OWN_S
        return () if just_now else super().order(user)


class Bounded(AnyReplica):
    """A standby is read if its newest beat is not too old, else the primary: bounded staleness."""

    beating: asyncio.Task[None] | None = None
    beats = 0

    async def start(self) -> None:
        await self.db.create_table("beat", {"id": int, "at": float}, [{"id": 1, "at": self.now()}])
        await super().start()
        self.beating = asyncio.create_task(self.beat())

    async def beat(self) -> None:
        """Write down what time it is, again and again."""
        while True:
            with suppress(OSError):
                self.beats += 1
                await self.db.update("beat", {"id": 1}, {"at": self.now()})
            await asyncio.sleep(BEAT_S)

    async def read_at(self, standby: Standby, user: int, page: int) -> Row | None:
        async with standby.transaction("repeatable read") as t:
            beat = await t.get("beat", 1)
            row = await t.get("page", page)
        at = None if beat is None else beat["at"]
        return row if isinstance(at, float) and self.now() - at <= self.p.bound_s else None

    async def stop(self) -> None:
        if self.beating is not None:
            self.beating.cancel()

    async def report(self) -> Mapping[str, object]:
        return {**await super().report(), "beats": self.beats}


class SynchronousApply(AnyReplica):
    """A commit is answered when both standbys have applied it; each read goes to one of them, by lot."""

    acknowledge = "applied"


class WriteToken(Sticky):
    """A token of the own last write: a standby is read once it has come so far, else, after a wait, the primary."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.token: dict[int, int] = {}
        self.reached: dict[str, int] = {}
        """How far each standby had come when it was last asked."""
        self.asked = 0

    async def written(self, user: int) -> None:
        self.saw(user, await self.db.position())

    def saw(self, user: int, position: int) -> None:
        """The user has seen what was there at this position."""
        self.token[user] = max(position, self.token.get(user, 0))

    async def has_come(self, standby: Standby, user: int) -> bool:
        """Whether a standby has what the user has seen. It never goes back, so mostly one knows without asking."""
        need = self.token.get(user, 0)
        if self.reached.get(standby.name, 0) < need:
            await self.ask(standby)
        return self.reached.get(standby.name, 0) >= need

    async def ask(self, standby: Standby) -> int:
        """How far it has come by now."""
        self.asked += 1
        self.reached[standby.name] = await standby.position()
        return self.reached[standby.name]

    async def report(self) -> Mapping[str, object]:
        return {**await super().report(), "asked": self.asked}

    async def read(self, user: int, page: int) -> int | None:
        end = self.now() + self.p.wait_s
        while True:
            for standby in self.order(user):
                with suppress(OSError):
                    async with asyncio.timeout(PATIENCE_S):
                        if await self.has_come(standby, user):
                            return text_of(await self.read_at(standby, user, page))
            if self.now() >= end or not self.db.standbys:
                return text_of(await self.read_first(user, page))
            await asyncio.sleep(POLL_S)


class SessionToken(WriteToken):
    """The token is also of what was read: afterwards one asks how far the server has come that has answered."""

    async def read_at(self, standby: Standby, user: int, page: int) -> Row | None:
        row = await super().read_at(standby, user, page)
        self.saw(user, await self.ask(standby))
        return row

    async def read_first(self, user: int, page: int) -> Row | None:
        row = await super().read_first(user, page)
        self.saw(user, await self.db.position())
        return row


class DurableToken(SessionToken):
    """The session token, and a commit is answered when one of the standbys, whichever, has written it down."""

    acknowledge = "written"
    quorum = 1


SAID = Params()
DEAF_S = 3.0
__doc__ = (__doc__ or "").format(
    think=SAID.think_s,
    near=SAID.near_s,
    far=SAID.far_s,
    reload=missed_at_once((SAID.near_s, SAID.far_s), SAID.think_s),
    small=1e3 * LITTLE_S,
    spared=missed_at_once((LITTLE_S, LITTLE_S), HALF_S),
    back=back_at_once(SAID.near_s, SAID.far_s, SAID.think_s, 1.0),
    deaf=DEAF_S,
    rate=written_per_s(SAID.users, SAID.writes, SAID.think_s),
    gone=DEAF_S * written_per_s(SAID.users, SAID.writes, SAID.think_s),
)

experiment = Experiment(
    title="Replication lag",
    question="You have saved it, the page comes back, and it is not there: which server may answer your next read?",
    params=Params,
    workload=workload,
    designs={
        "any_replica": AnyReplica,
        "sticky": Sticky,
        "own_writes": OwnWrites,
        "bounded": Bounded,
        "synchronous_apply": SynchronousApply,
        "write_token": WriteToken,
        "session_token": SessionToken,
        "durable_token": DurableToken,
    },
    measure=measure,
    audit=audit,
    faults=faults,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("Not my write", "seconds since the own write was answered", "share of reads that miss it", by_delay),
        Chart("Which guarantee", "guarantee", "share of reads that break it", by_guarantee, kind="bars"),
        Chart("What somebody was told", "second", "who", first_missed, kind="space-time"),
    ),
    asks=(
        Ask(
            "You save a page and look again after 0.3 s on average. Two standbys, 0.1 and 1 s behind, and each read "
            "goes to either. How many of 100 looks right after a write miss it?",
            "100 * any_replica.reload",
            "of 100",
            0,
            100,
        ),
        Ask(
            "Now every commit waits until both standbys have applied it. How long does a write take?",
            "synchronous_apply.write_ms",
            "ms",
            1,
            10_000,
            log=True,
        ),
        Ask(
            "Users read at the primary for two seconds after a write, as Rails does. Which share of the reads is that?",
            "own_writes.primary",
            "of the reads",
            0,
            1,
        ),
    ),
    why=(
        Why("A standby shows a write when it has applied it, and the author is back sooner.", NOT_MINE),
        Why("A log in one order never goes back, and a standby that is behind shows no own write.", STICKS),
        Why("Both have applied a write when it is answered, and one had it before the other.", APPLIED),
        Why("A standby that has come as far as what one has written and read can hide nothing of it.", ALL_FOUR),
        Why("What no standby has heard of dies with the primary, whatever was answered.", LOST),
    ),
    maps=(
        Map(
            "any_replica.reload > 0.25",
            "far_s",
            "think_s",
            (0.05, 2.0),
            (0.2, 3.0),
            line="far_s > 0.693 * think_s",
            given={**CALM, "users": 32, "near_s": 0.0},
        ),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "What does a standby know of your write, and when?",
        "Your write has a place in the log. How could you ask a standby whether it has come so far?",
        "And what you have read has a place too: what must the next server have, so that you do not go back in time?",
    ),
    sources=SOURCES,
    stages=("sim", "postgres"),
    seeds=4,
    quick={"calm_s": 1.5, "trouble_s": 2.0},
)
