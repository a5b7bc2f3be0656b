"""Servers of q15-payments as real processes with a real database, which `kill -9` themselves before a thing they do.

The bank and the shop are in the test's own process, which the servers call over a socket; the books of the merchants,
the keys and the ledger are in a file of SQLite or in PostgreSQL, which every life of a server opens anew.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from helpers.killed_process import Forker
from windtunnel import Event, History
from windtunnel.blocks.durability import KeyBusy, KeyReused
from windtunnel.catalogue.interview import q15_payments
from windtunnel.catalogue.interview.q15_payments.desk import BUSY, REFUSED, Database, Desk, Program, Tables
from windtunnel.catalogue.interview.q15_payments.episodes import Episode
from windtunnel.catalogue.interview.q15_payments.judging import Found, judged
from windtunnel.catalogue.interview.q15_payments.world import Bank, Payment, Shop, Trouble
from windtunnel.engines.database.postgres import PostgresDatabase
from windtunnel.engines.database.sqlite import SqliteDatabase

LEASE_S = 0.2
PATIENCE_S = 5.0
"""A busy machine is given time: nothing is lost on the way here."""
ACCOUNTS: Tables = {"account": ({"id": int, "balance": int}, ())}


class OneFile(SqliteDatabase):
    """A file that another process has filled."""

    def __init__(self, where: str, tables: Tables) -> None:
        super().__init__("db", Path(where), connections=2)
        for name, (columns, unique) in tables.items():
            self._tables.make(name, columns, (), unique)


class OneSchema(PostgresDatabase):
    """A schema that another process has filled; who closes it does not drop it."""

    def __init__(self, where: str, tables: Tables) -> None:
        super().__init__("db", None, connections=2)
        self._schema = where
        for name, (columns, unique) in tables.items():
            self._tables.make(name, columns, (), unique)


OPEN = {"sqlite": OneFile, "postgres": OneSchema}


# --- the server's process --------------------------------------------------------------------------------------------
class Life:
    """What a program gets in the place of a desk: this process, its database, and a connection to bank and shop."""

    def __init__(self, db: Any, place: int, writer: asyncio.StreamWriter) -> None:
        self.place, self.writer = place, writer
        self.reached = 0
        self.machine = SimpleNamespace(writes=0)
        self.answers: dict[int, asyncio.Future[Any]] = {}
        self.db = Database(cast("Desk", self), db)

    async def here(self, what: str) -> None:
        self.reached += 1
        if self.reached == self.place:
            self.say({"dies": what})
            os.kill(os.getpid(), signal.SIGKILL)

    def committed(self, wrote: bool) -> None:
        """Nothing is lost on the way to a real database, unless its server dies."""

    def clock(self) -> float:
        return time.time()

    async def call(self, to: str, what: str, *args: Any) -> Any:
        await self.here(f"{to}: {what}")
        number = len(self.answers)
        self.answers[number] = asyncio.get_running_loop().create_future()
        self.say({"call": number, "to": to, "what": what, "args": args})
        await self.here(f"{to}: {what}, sent")
        async with asyncio.timeout(PATIENCE_S):
            return await self.answers[number]

    def say(self, what: Any) -> None:
        # Straight into the socket: what was sent before a kill has been sent.
        os.write(self.writer.get_extra_info("socket").fileno(), json.dumps(what).encode() + b"\n")


async def live(design: str, engine: str, where: str, port: int, place: int) -> None:
    """One life: what it is asked until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    kind: Any = q15_payments.experiment.designs[design]
    life = Life(OPEN[engine](where, {**ACCOUNTS, **kind.tables}), place, writer)
    stage = SimpleNamespace(name=engine)
    program: Program = kind(stage, SimpleNamespace(lease_s=LEASE_S))
    program.boot(cast("Desk", life))
    tasks = set()

    async def serve(payment: Payment | None) -> None:
        try:
            if payment is None:
                await program.sweep()
                said = "swept"
            else:
                said = await program.pay(payment)
                await life.here("payer: told")
        except KeyBusy:
            said = BUSY
        except KeyReused:
            said = REFUSED
        life.say({"told": said})

    async for line in reader:
        asked = json.loads(line)
        if "call" in asked:
            life.answers[asked["call"]].set_result(asked["answer"])
        else:
            tasks.add(asyncio.create_task(serve(Payment(*asked["pay"]) if asked["pay"] else None)))
    os._exit(0)


# --- the world around it ---------------------------------------------------------------------------------------------
class World:
    """Bank, shop, a database, and servers, one life after the other."""

    def __init__(self, engine: str, design: str, folder: Path, payments: int) -> None:
        self.engine, self.design = engine, design
        self.bank, self.shop = Bank(), Shop()
        kind: Any = q15_payments.experiment.designs[design]
        self.tables: Tables = kind.tables
        self.db: Any = (
            SqliteDatabase("db", folder / "payments.sqlite", connections=2)
            if engine == "sqlite"
            else PostgresDatabase()
        )
        self.where = str(folder / "payments.sqlite") if engine == "sqlite" else str(vars(self.db)["_schema"])
        self.rows = [{"id": n + 1, "balance": 0} for n in range(payments)]
        self.said: asyncio.Queue[Any] = asyncio.Queue()
        self.connected: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        (columns, unique) = ACCOUNTS["account"]
        await self.db.create_table("account", columns, self.rows, unique=unique)
        for name, (columns, unique) in self.tables.items():
            await self.db.create_table(name, columns, unique=unique)
        self.forker = Forker("payments_process", self.serve)
        await self.forker.open(self.engine)
        try:
            yield
        finally:
            await self.forker.close()
            await self.db.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer for bank and shop; the death of the process ends the connection."""
        self.connected.put_nowait(writer)
        with suppress(ConnectionError):
            async for line in reader:
                asked = json.loads(line)
                if "call" not in asked:
                    self.said.put_nowait(asked)
                    continue
                thing = self.bank if asked["to"] == "bank" else self.shop
                answer = getattr(thing, asked["what"])(*asked["args"])
                if not writer.is_closing():
                    writer.write(json.dumps({"call": asked["call"], "answer": answer}).encode() + b"\n")
        self.said.put_nowait(None)

    async def begin(self, place: int = 0) -> None:
        """Let a life begin that ends before this place."""
        self.forker.begin(design=self.design, engine=self.engine, where=self.where, place=place)
        self.writer = await self.connected.get()

    async def end(self) -> int:
        """Let go of it; which signal has ended it."""
        self.writer.close()
        return await self.forker.ended()

    async def ask(self, payment: Payment | None) -> tuple[str | None, str]:
        """What is told, None where the process died; and before what it did."""
        self.writer.write(json.dumps({"pay": payment}).encode() + b"\n")
        before = ""
        while True:
            said = await self.said.get()
            if said is None:
                return None, before
            before = said.get("dies", before)
            if "told" in said:
                return said["told"], before

    async def pay(self, number: int, place: int) -> tuple[Event, bool]:
        """One payment with a server that dies before this place; it goes on in lives that do not die."""
        episode = Episode(number, Trouble(place), stays=True)
        self.bank.day = len(self.bank.book)
        await self.begin(place)
        told, before, killed = None, "", 0
        sweeps = 0
        while told is None or told == BUSY or sweeps < 2:
            paying = told is None or told == BUSY
            said, last = await self.ask(episode.payment if paying else None)
            if said is None:
                assert await self.end() == signal.SIGKILL
                killed, before = killed + 1, before or last
                await self.begin()
            elif paying:
                told = said
                if said == BUSY:
                    await asyncio.sleep(LEASE_S / 4)
            else:
                sweeps += 1
                await asyncio.sleep(LEASE_S if sweeps == 1 else 0.0)
        while (await self.said_nothing()) is not None:
            pass
        assert await self.end() == 0
        await self.said.get()
        value = {"hit": killed == 1, "before": [before], "told": [told], "took_s": 0.0, "cost": [0, 0, 0]}
        args = (number, *episode.trouble, True)
        return Event("who kills", "cut", args, float(number), number + 0.5, "ok", value), killed == 1

    async def said_nothing(self) -> Any:
        """What has been said and not been heard."""
        return None if self.said.empty() else self.said.get_nowait()


async def found_in(engine: str, design: str, folder: Path, most: int = 30) -> list[Found]:
    """Kill a server before each of its places, until it has no more, and judge as the experiment does."""
    world = World(engine, design, folder, most + 1)
    events = []
    async with world.open():
        for number, place in enumerate(itertools.count(1)):
            event, died = await world.pay(number, place)
            events.append(event)
            if not died or number == most:
                break
        rows = await world.db.select("account")
    charges = [(line.order, line.amount, line.refunded) for line in world.bank.book]
    facts = {
        "charges": charges,
        "shipped": sorted(world.shop.shipped.items()),
        "balances": [(row["id"], row["balance"]) for row in rows],
        "unbalanced": 0,
    }
    return judged(History(events, facts))
