"""Servers of q10-ticketmaster as real processes, which `kill -9` themselves at a place, on real engines.

Each small sale has a database of its own, a file of SQLite or a schema of PostgreSQL, and keys of its own in Valkey.
Every life of a server opens them anew.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from helpers.killed_process import Forker
from helpers.payments_process import OPEN
from windtunnel import Event, History, Stage
from windtunnel.catalogue.interview import q10_ticketmaster as tickets
from windtunnel.catalogue.interview.q10_ticketmaster.deaths import (
    FIRST,
    KINDS,
    OTHERS,
    Sale,
    Trouble,
    as_data,
    deaths,
    wrongs,
)
from windtunnel.catalogue.interview.q10_ticketmaster.rig import ASKS, SMALL
from windtunnel.catalogue.interview.q10_ticketmaster.servers import PAYS_S, Life
from windtunnel.engines.cache.valkey import ValkeyCache, start_valkey
from windtunnel.engines.database.postgres import PostgresDatabase
from windtunnel.engines.database.sqlite import SqliteDatabase
from windtunnel.engines.shared.servers import shared

PROCESS_KINDS = [kind for kind in KINDS if kind != "power"]
TABLES: Any = {
    "event": ({"id": int, "stock": int, "version": int}, ()),
    "sale": ({"id": int, "ticket": int, "state": str}, ()),
    "seat": ({"id": int, "buyer": int, "until": float, "state": str}, ()),
}


class Opened:
    """What a program has around it: one database, one cache, and the place at which its process ends."""

    def __init__(self, engine: str, db: Any, cache: Any, place: int) -> None:
        self.db, self.cache, self.place = db, cache, place
        self.reached = 0
        self.ports: dict[tuple[str, str], Any] = {}
        self.stage = cast("Stage", SimpleNamespace(name=engine, clock=time.monotonic))

    def port(self, kind: str, name: str, options: Mapping[str, Any]) -> Any:
        return self.db if kind == "database" else self.cache

    def reach(self, life: Life, what: str) -> None:
        self.reached += 1
        if self.reached == self.place:
            os.kill(os.getpid(), signal.SIGKILL)


def program(design: str, around: Opened) -> Life:
    """A design in it."""
    params = replace(tickets.Params(), **SMALL)  # type: ignore[arg-type]  # numbers that are in place
    return Life(around, cast("Any", None), lambda within: tickets.experiment.designs[design](within, params))


def cache_of(url: str, prefix: str) -> Any:
    """The keys of one sale; nothing where there is no server."""
    if not url:
        return None
    cache = ValkeyCache(url=url)
    cache._prefix = prefix
    return cache


# --- the server's process --------------------------------------------------------------------------------------------
async def live(design: str, engine: str, where: str, cache: str, prefix: str, port: int, place: int) -> None:
    """One life: what it is asked until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    around = Opened(engine, OPEN[engine](where, TABLES), cache_of(cache, prefix), place)
    life = program(design, around)
    socket = writer.get_extra_info("socket").fileno()
    async for line in reader:
        try:
            said: Any = ["ok", await life.program.buy(json.loads(line), PAYS_S)]
        except Exception as error:
            if not hasattr(error, "outcome"):
                raise
            said = ["fail", None]
        life.here("buyer: told")
        # Straight into the socket: what was sent before a kill has been sent.
        os.write(socket, json.dumps(said).encode() + b"\n")
        around.reach(life, "buyer: has been told")
    os._exit(0)


# --- the world around it ---------------------------------------------------------------------------------------------
class World:
    """Buyers, and servers, one life after the other."""

    def __init__(self, engine: str, design: str, folder: Path) -> None:
        self.engine, self.design, self.folder = engine, design, folder
        self.connected: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        scripted = issubclass(cast("type", tickets.experiment.designs[design]), tickets.CacheScript)
        self.cache = shared("valkey", start_valkey).url if scripted else ""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        self.forker = Forker("tickets_process", lambda reader, writer: self.connected.put_nowait((reader, writer)))
        await self.forker.open(self.engine)
        try:
            yield
        finally:
            await self.forker.close()

    async def sale(self, kind: str, place: int) -> Sale:
        """A small sale, in which the process that serves the first buyer is killed at this place."""
        file = self.folder / f"{kind} {place}.sqlite"
        db: Any = SqliteDatabase("db", file, connections=2) if self.engine == "sqlite" else PostgresDatabase()
        where = str(file) if self.engine == "sqlite" else str(vars(db)["_schema"])
        self.told: dict[str, Any] = {"where": where, "cache": self.cache, "prefix": f"wt{secrets.token_hex(4)}:"}
        cache = cache_of(self.cache, self.told["prefix"])
        self.asked: list[Event] = []
        try:
            await program(self.design, Opened(self.engine, db, cache, 0)).program.start()
            others = range(FIRST + 1, FIRST + 1 + OTHERS)
            died = await self.serve({FIRST: 1}, place)
            if kind == "again":
                await self.serve({FIRST: ASKS})
            await self.serve(dict.fromkeys(others, ASKS))
            if kind == "late":
                await self.serve({FIRST: ASKS})
            rows = [(row["id"], row["ticket"]) for row in await db.select("sale")]
        finally:
            if cache is not None:
                await cache.close()
            await db.close()
        stays = [*others] if kind == "gone" else [FIRST, *others]
        return Sale(Trouble(kind, place), died, self.asked, stays, rows, 0.0)

    async def serve(self, buyers: Mapping[int, int], place: int = 0) -> bool:
        """Let a life serve them, each for so many questions, and end; whether it was killed."""
        self.forker.begin(design=self.design, engine=self.engine, place=place, **self.told)
        reader, writer = await self.connected.get()
        for buyer, asks in buyers.items():
            for _ in range(asks):
                start = time.monotonic()
                writer.write(json.dumps(buyer).encode() + b"\n")
                line = await reader.readline()
                outcome, value = json.loads(line) if line else ("unknown", None)
                self.asked.append(
                    Event(f"buyer {buyer}", "buy", (buyer,), start, time.monotonic(), outcome, value)  # type: ignore[arg-type]
                )
                if outcome == "ok":
                    break
        writer.close()
        ended = await self.forker.ended()
        assert ended in (0, signal.SIGKILL)
        return ended == signal.SIGKILL


async def measured(engine: str, design: str, folder: Path, most: int = 12) -> Mapping[str, float]:
    """Kill a server at each of its places, in each kind of sale; measured as the experiment does."""
    world = World(engine, design, folder)
    found = []
    async with world.open():
        for kind in PROCESS_KINDS:
            for place in range(1, most + 1):
                sale = await world.sale(kind, place)
                found.append(sale)
                if not sale.hit:
                    break
    history = History([], {"deaths": [as_data(sale) for sale in found]})
    return {**deaths(history), **wrongs(history)}
