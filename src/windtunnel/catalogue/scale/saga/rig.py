"""What tries a design: one order after the other, each with a trouble of its own, and what came of it.

An order is asked of the first coordinator, which is killed. While it is dead somebody else wants the same piece, the
last one, and asks the second coordinator. When all is over, and what was late has come, a third asks: whoever comes
later has to find the piece, where it is still there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, TypeVar

from windtunnel import Stage
from windtunnel.catalogue.scale.saga.desk import Desk, Machine, Program
from windtunnel.catalogue.scale.saga.episodes import episodes, rows
from windtunnel.catalogue.scale.saga.services import Service
from windtunnel.catalogue.scale.saga.world import SERVICES, Order, Post

T = TypeVar("T")
ASKS = 4
"""How often a client asks who hears nothing."""
LOOK_S = 0.001
"""Between two looks at a machine that should run."""
LONG_S = 10.0
"""For so long beyond all waits of its own anything is waited for."""


class Design(Program, Protocol):
    """What is tried: made anew for each life of each coordinator."""

    service: type[Service]


class Rig:
    """Tries one design."""

    def __init__(self, design: Design, stage: Stage, p: Any) -> None:
        self.design, self.stage, self.p = design, stage, p
        self.episodes = episodes(p)
        self.dbs = {name: stage.database(name, connections=8) for name in SERVICES}
        self.ends: dict[object, int] = {}
        """Of episodes that differ in the place alone, the first place that is not reached."""
        self.folder: TemporaryDirectory[str] | None = None

    async def start(self) -> None:
        if self.stage.name != "sim":
            self.folder = TemporaryDirectory(prefix="windtunnel-")
        self.post = Post(self.stage)
        for name, db in self.dbs.items():
            await db.create_table(name, {"id": int, "left": int, "out": int}, rows(self.episodes, name))
        for name, service in self.services().items():
            await service.start()
            self.post.open(name, service)
        self.one, self.two = (
            Machine(
                self.stage,
                name,
                self.post,
                self.program,
                Path(self.folder.name, name) if self.folder is not None else None,
                power=self.p.dies == "power",
            )
            for name in ("coordinator", "coordinator 2")
        )
        for machine in (self.one, self.two):
            if machine.sim is None:
                machine.start()

    def services(self) -> dict[str, Service]:
        """What they are when they start: what they know is in their databases."""
        return {name: self.design.service(self.stage, name, db) for name, db in self.dbs.items()}

    def program(self) -> Program:
        """What runs on a machine that starts: the design anew, without what it knew."""
        made: Program = type(self.design)(self.stage, self.p)  # type: ignore[call-arg]  # a design takes these two
        return made

    async def cut(self, number: int) -> Mapping[str, Any] | None:
        """One order with its trouble; None where it has no such place, which is known from one before."""
        episode = self.episodes[number]
        trouble, one, two = episode.trouble, self.one, self.two
        alike = episode.kind, episode.stays, trouble.lag, trouble.again and trouble.place
        last = trouble.again or trouble.place
        no_such_place = trouble.again and trouble.place >= self.ends.get((*alike[:3], 0), trouble.place + 1)
        if no_such_place or last > self.ends.get(alike, last):
            return None
        self.post.begin(trouble)
        one.begin(*filter(None, (trouble.place, trouble.again)))
        one.start()
        await self.within(self.settled(one))
        one.syncs, one.counting = 0, True
        keeper = asyncio.create_task(self.keep(one))
        died = asyncio.create_task(self.over(one.died))
        first = asyncio.create_task(self.ask(one, episode.order(0), episode.stays))
        await asyncio.wait((first, died), return_when=asyncio.FIRST_COMPLETED)
        sent, syncs = self.post.sent, one.syncs
        other = asyncio.create_task(self.ask(two, episode.order(1)))
        answers = [await self.within(first), await self.within(other)]
        ended = await self.within(self.settled(one))
        one.counting = False
        await self.post.quiet()
        self.post.services.update(self.services())  # they have started anew as well, before what was late comes
        await self.post.flush()
        piece = await self.dbs["stock"].get("stock", episode.number)
        if piece is not None and piece["left"] != 0:  # somebody has to find it
            answers.append(await self.within(self.ask(two, episode.order(2))))
            await self.post.quiet()
            await self.post.flush()
        keeper.cancel()
        died.cancel()
        deaths = len(one.reached) - 1
        hit = deaths == (trouble.place > 0) + (trouble.again > 0)
        if deaths < (trouble.place > 0) + (trouble.again > 0):
            self.ends[alike] = last
        told, took_s = zip(*((None, self.limit_s) if one is None else one for one in answers), strict=True)
        return {"hit": hit and ended is not None, "told": told, "took_s": took_s, "sent": sent, "syncs": syncs}

    async def ask(self, machine: Machine, order: Order, stays: bool = True) -> tuple[bool | None, float]:
        """What the client of an order is told, and after how many seconds. He waits for a machine that is down."""
        began = self.stage.clock()
        said = None
        for _ in range(ASKS if stays else 1):
            desk = await self.desk_of(machine)
            said = await desk.serve(order)
            if said is not None:
                break
        return said, self.stage.clock() - began

    async def desk_of(self, machine: Machine) -> Desk:
        """What runs on it, as soon as anything does."""
        while machine.desk is None or machine.desk.dead or machine.down:
            await machine.runs
            await asyncio.sleep(LOOK_S)
        return machine.desk

    async def keep(self, machine: Machine) -> None:
        """Start the machine again, a while after each of its deaths."""
        while True:
            await machine.died
            await asyncio.sleep(self.p.down_s)
            if machine.down:
                machine.start()

    async def settled(self, machine: Machine) -> bool:
        """As soon as it runs, and has gone on with all that it found."""
        while not (await self.desk_of(machine)).recovered.said:
            await (await self.desk_of(machine)).recovered.over
        return True

    @property
    def limit_s(self) -> float:
        """For so long anything is waited for."""
        return float(4.0 * self.p.down_s + self.p.patience_s + LONG_S)

    async def within(self, what: Awaitable[T]) -> T | None:
        """It, or None where it does not end."""
        try:
            async with asyncio.timeout(self.limit_s):
                return await what
        except TimeoutError:
            return None

    @staticmethod
    async def over(signal: Awaitable[None]) -> None:
        """As a coroutine, of which a task can be made."""
        await signal

    async def report(self) -> Mapping[str, object]:
        found = {name: await db.select(name) for name, db in self.dbs.items()}
        return {name: [(row["id"], row["left"], row["out"]) for row in those] for name, those in found.items()}

    async def stop(self) -> None:
        if self.folder is not None:
            self.folder.cleanup()
