"""What tries a design: one payment after the other, each with a trouble of its own, and what came of it.

A payment is asked of the first of two servers. Who hears nothing asks the other, and so on by turns. When all are told,
or gone, the job of every minute runs on the first server; when what was late has come, once more.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar

from windtunnel import Stage
from windtunnel.catalogue.interview.q15_payments.desk import BUSY, Desk, Machine, Program, Tables
from windtunnel.catalogue.interview.q15_payments.episodes import OTHERS, Episode, episodes
from windtunnel.catalogue.interview.q15_payments.world import (
    ASKS,
    PATIENCE_S,
    How,
    Killed,
    Payment,
    Post,
    Second,
    Trouble,
)
from windtunnel.parts import programs

T = TypeVar("T")
LOOK_S = 0.01
"""Between two looks at a server that should run."""
SWEEPS = 2
"""So often the job runs when a payment is over, with the time between that a lock lasts; once more where a server dies
again, which may be in the midst of it."""


class Design(Program, Protocol):
    """What is tried: made anew for each life of each server."""

    tables: Tables


class Rig:
    """Tries one design."""

    def __init__(self, design: Design, stage: Stage, p: Any) -> None:
        self.design, self.stage, self.p = design, stage, p
        self.db = stage.database("db", connections=8)
        self.post = Post(stage, p.bank_s if stage.name == "sim" else 0.0, p.loss)
        self.kinds: dict[str, type[Design]] = {}
        """The design's class, on each server: what is kept there is the server's own, and dies with it."""
        self.ends: dict[object, int] = {}
        """Of episodes that differ in the place alone, the first place that is not reached."""
        self.unbalanced = 0
        self.counting = False
        self.trouble, self.merchant = Trouble(), 0
        self.fell = stage.signal()

    async def start(self) -> None:
        rows = [{"id": e.payment.merchant, "balance": 0} for e in episodes(self.p)]
        await self.db.create_table("account", {"id": int, "balance": int}, rows)
        for name, (columns, unique) in self.design.tables.items():
            await self.db.create_table(name, columns, unique=unique)
        self.one, self.two = (
            Machine(self.stage, name, self.db, self.post, partial(self.program, name), self.act)
            for name in ("server", "server 2")
        )
        if self.stage.name != "sim":
            self.one.begin()
            self.two.begin()

    def program(self, server: str) -> Program:
        """What runs on a server that starts: the design anew, without what it knew, at its class too."""
        if server not in self.kinds:
            self.kinds[server] = type(programs(self.made(type(self.design)), self.stage, self.p)[1])
        return self.made(self.kinds[server])

    def made(self, kind: type[Design]) -> Design:
        """It, just made."""
        return kind(self.stage, self.p)  # type: ignore[call-arg]  # a design takes these two

    # --- one payment ---------------------------------------------------------------------------------------------
    async def cut(
        self,
        number: int,
        place: int,
        again: int,
        at: int,
        second: Second,
        message: int,
        how: How,
        stays: bool,
    ) -> Mapping[str, Any] | None:
        """A payment with its trouble; None where it has no such place, which is known from one before."""
        e = Episode(number, Trouble(place, again, at, second, message, how), stays)
        alike, which = (stays, again, second, how), place or at or message
        if which >= self.ends.get(alike, which + 1):
            return None
        self.begin(e)
        keeper = asyncio.create_task(self.keep())
        coming = asyncio.create_task(self.come(e))
        told = [await self.within(self.ask(e.payment, self.one, stays))]
        hit = self.hit()
        came = self.wanted.done()
        if came:
            told += await self.also(coming, e)
        cost = [self.post.sent, *(sum(getattr(m, n) for m in (self.one, self.two)) for n in ("writes", "commits"))]
        await self.within(self.clear())
        if self.wanted.done() and not came:  # it came while the job ran
            told += await self.also(coming, e)
            await self.within(self.clear())
        if second == "later":
            if self.p.forgets:
                self.post.bank.forget()
            told.append(await self.within(self.ask(e.payment, self.two, stays=True)))
            await self.within(self.clear())
        keeper.cancel()
        coming.cancel()
        self.counting = False
        hit = hit or self.hit()
        drawn = (place > 0) + (at > 0) + (message > 0) > 1
        if not hit and which and not drawn and not self.before:
            self.ends[alike] = which
        said, took_s = zip(*(one or (None, self.limit_s) for one in told), strict=True)
        return {"hit": hit, "before": self.before, "told": said, "took_s": took_s[0], "cost": cost}

    def begin(self, e: Episode) -> None:
        """All is well, both servers run, and nobody knows anything but the database."""
        self.trouble, self.merchant = e.trouble, e.payment.merchant
        self.places = [place for place in (e.trouble.place, e.trouble.again) if place]
        self.reached = self.stood = 0
        self.before: list[str] = []
        """What servers were about to do when they were killed."""
        self.wanted, self.go_on, self.fell = (self.stage.signal() for _ in range(3))
        self.post.begin(e.trouble)
        if self.p.declined:
            self.post.bank.declines.add(e.payment.order)
        for machine in (self.one, self.two):
            machine.begin()
        self.counting = True

    def hit(self) -> bool:
        """Whether everything has happened that was to go wrong."""
        t = self.trouble
        struck = not t.message or self.post.sent >= t.message
        if t.how == "commit":
            struck = max(self.one.commits, self.two.commits) >= t.message
        return not self.places and (not t.at or self.wanted.done()) and struck

    async def act(self, machine: Machine, what: str) -> None:
        """A server is about to do this. Raises Killed where it is the end."""
        if not self.counting:
            return
        if machine is self.one and self.trouble.at:
            self.stood += 1
            if self.stood == self.trouble.at:
                self.wanted.set()
                await self.go_on
        self.reached += 1
        if self.places and self.reached == self.places[0]:
            del self.places[0]
            self.reached = 0
            self.before.append(what)
            self.kill(machine)
            raise Killed

    def kill(self, machine: Machine) -> None:
        """Its process dies; or the power of the room fails in which both servers and the database stand."""
        power = self.p.dies == "power"
        if self.p.forgets:
            self.post.bank.forget()
        for one in (self.one, self.two) if power else (machine,):
            one.crash(power=power)
            self.kinds.pop(one.name, None)
        if self.stage.name == "sim":
            if power:
                self.stage.sim.host("db").crash()
            self.look()
        self.fell.set()

    def look(self) -> None:
        """What the disk of the database holds at this moment: entries cancel out, and balances follow from them."""
        held = self.stage.thing("db").held()
        entries, merchant = held.get("entry"), self.merchant
        if entries is not None:
            balance = sum(row["balance"] for row in held["account"] if row["id"] == merchant)
            credit = -sum(row["amount"] for row in entries if row["account"] == merchant)
            self.unbalanced += sum(row["amount"] for row in entries) != 0 or balance != credit

    async def keep(self) -> None:
        """Start what is down again, a while after it fell."""
        while True:
            await self.fell
            self.fell = self.stage.signal()
            await asyncio.sleep(self.p.down_s)
            if self.stage.name == "sim" and self.stage.sim.host("db").down:
                self.stage.sim.host("db").restart()
            for machine in (self.one, self.two):
                if machine.down:
                    machine.restart()

    # --- who asks ------------------------------------------------------------------------------------------------
    async def ask(self, payment: Payment, machine: Machine, stays: bool) -> tuple[str | None, float]:
        """What a payer is told, and after how many seconds. Who hears nothing asks the other server."""
        began, said = self.stage.clock(), None
        tries, until = 0, self.stage.clock() + 6 * (self.p.lease_s + self.post.bank_s)
        while tries < ASKS:
            since = self.stage.clock()
            desk = await self.desk_of(machine)
            until += self.stage.clock() - since  # who waits for a server that is down has not asked in vain
            said = await desk.serve(payment)
            if said is not None and said != BUSY:
                break
            tries += said is None
            if not stays or (said == BUSY and self.stage.clock() > until):
                break
            if said == BUSY:
                await asyncio.sleep(self.p.lease_s / 2)
            machine = self.two if machine is self.one else self.one
        return (None if said == BUSY else said), self.stage.clock() - began

    async def come(self, e: Episode) -> tuple[str | None, float]:
        """What comes second; meanwhile the first server stands still, for as long as its trouble says."""
        await self.wanted
        second, lease_s = e.trouble.second, float(self.p.lease_s)
        asked = asyncio.create_task(
            self.swept()
            if second == "swept"
            else self.ask(e.other if second in OTHERS else e.payment, self.two, stays=True)
        )
        await asyncio.wait({asked}, timeout=4 * lease_s if second in ("frozen", "swept") else lease_s / 2)
        self.go_on.set()
        return await asked

    async def swept(self) -> tuple[str | None, float]:
        """The job, at once and when a lock has ended; nobody is told anything."""
        for wait_s in (0.0, self.p.lease_s):
            await asyncio.sleep(wait_s)
            await self.sweep(self.two)
        return None, 0.0

    async def also(
        self, coming: asyncio.Task[tuple[str | None, float]], e: Episode
    ) -> list[tuple[str | None, float] | None]:
        """What who came second was told; nothing of the job."""
        told = await self.within(coming)
        return [] if e.trouble.second == "swept" else [told]

    async def desk_of(self, machine: Machine) -> Desk:
        """What runs on it, as soon as anything does."""
        while machine.desk is None or machine.down:
            await machine.runs
            await asyncio.sleep(LOOK_S)
        return machine.desk

    async def clear(self) -> None:
        """All are told or gone: the job runs, what was late comes, and the job runs again."""
        for n in range(1 if self.trouble.how == "chance" else SWEEPS + (self.trouble.again > 0)):
            if n:
                out = self.trouble.how in ("out", "silent")
                await asyncio.sleep(max(self.p.lease_s, self.post.out_s if out else 0.0))
            await self.sweep()
        await self.post.quiet()
        if self.post.late:
            if self.p.forgets:
                self.post.bank.forget()
            await self.post.flush()
            await self.sweep()
        for machine in (self.one, self.two):
            await self.desk_of(machine)

    async def sweep(self, machine: Machine | None = None) -> None:
        """Until it has come to its end once, on the first server where none is said."""
        for _ in range(2 * ASKS):
            if await (await self.desk_of(machine or self.one)).serve(None) is not None:
                return

    @property
    def limit_s(self) -> float:
        """For so long anything is waited for."""
        asking_s = 4 * ASKS * (PATIENCE_S + self.p.bank_s)
        return float(6 * self.p.down_s + 20 * self.p.lease_s + asking_s + 4 * self.post.out_s)

    async def within(self, what: Awaitable[T]) -> T | None:
        """It, or None where it does not end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limit_s):
                return await what
        return None

    async def report(self) -> Mapping[str, object]:
        self.counting = False
        await asyncio.sleep(self.p.lease_s)  # as after any other: what died last may have locked a key
        await self.within(self.sweep())  # of the last day, whatever it was that went wrong
        if self.stage.name == "sim":
            self.look()
        rows = await self.db.select("account")
        return {
            **self.post.books(),
            "balances": [(row["id"], row["balance"]) for row in rows],
            "unbalanced": self.unbalanced,
        }
