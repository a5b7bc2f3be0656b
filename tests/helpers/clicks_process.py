"""Processes of q11-ad-clicks on a real database, log and folder, which `kill -9` themselves before a thing they do.

One process takes clicks and works on them, so that its death takes the memory of both. Every life of it opens anew the
folder of the log, that of the objects, and a file of SQLite or a schema of PostgreSQL.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from helpers.killed_process import Forker
from helpers.payments_process import OPEN
from windtunnel import Event, History
from windtunnel.catalogue.interview import q11_ad_clicks
from windtunnel.catalogue.interview.q11_ad_clicks.clicks import SMALL_TURN, Click, Stream, small
from windtunnel.catalogue.interview.q11_ad_clicks.judging import Found, judged
from windtunnel.catalogue.interview.q11_ad_clicks.machines import BEGIN, Desk, World
from windtunnel.engines import DiskLog, FolderObjects
from windtunnel.engines.database.postgres import PostgresDatabase
from windtunnel.engines.database.sqlite import SqliteDatabase

P: Any = SimpleNamespace(window_s=60.0, delay_s=30.0, lateness_s=120.0)


# --- the process -----------------------------------------------------------------------------------------------------
class Here:
    """What stands for a stage: engines that an earlier life has filled."""

    def __init__(self, engine: str, where: str, folder: Path, kind: Any) -> None:
        self.name, self.folder = engine, folder
        self.db = OPEN[engine](where, {name: (columns, ()) for name, columns in kind.tables.items()})

    def database(self, name: str, **_: object) -> Any:
        return self.db

    def log(self, name: str) -> DiskLog:
        return DiskLog(name, path=self.folder / "log")

    def objects(self, name: str) -> FolderObjects:
        return FolderObjects(name, path=self.folder / "objects")


async def live(design: str, engine: str, where: str, folder: str, port: int, place: int, day: int, number: int) -> None:
    """One life: it does what it is asked, line by line, and says what came of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    kind: Any = q11_ad_clicks.experiment.designs[design]
    stage: Any = Here(engine, where, Path(folder), kind)
    reached = 0

    async def act(desk: Any, what: str) -> None:
        nonlocal reached
        reached += what != BEGIN
        if reached == place and what != BEGIN:
            os.kill(os.getpid(), signal.SIGKILL)

    s = Stream(number, "", "", (), 1, ())
    desk, program = Desk(World(stage, keeps=False), act, day, s.began_ms), kind(stage, P)
    program.boot(desk)
    async for line in reader:
        what, *args = json.loads(line)
        said: Any = True
        if what == "click":
            await program.click(Click(*args))
            await desk.here("browser: told")
        elif what == "bill":
            said = sorted((*key, cents) for key, cents in (await program.bill(s.began_ms, s.until_ms)).items())
        else:
            await getattr(program, what)()
        # Straight into the socket: what was said before a kill was said.
        os.write(writer.get_extra_info("socket").fileno(), json.dumps(said).encode() + b"\n")
    os._exit(0)


# --- who asks it -----------------------------------------------------------------------------------------------------
class Browsers:
    """Engines, and one life of a process after the other."""

    def __init__(self, engine: str, design: str, folder: Path) -> None:
        self.engine, self.design, self.folder = engine, design, folder
        file = folder / "clicks.sqlite"
        self.db: Any = SqliteDatabase("db", file, connections=2) if engine == "sqlite" else PostgresDatabase()
        self.where = str(file) if engine == "sqlite" else str(vars(self.db)["_schema"])
        self.day = self.kills = 0
        self.connected: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        kind: Any = q11_ad_clicks.experiment.designs[self.design]
        for name, columns in kind.tables.items():
            await self.db.create_table(name, columns)
        for name in ("log", "objects"):
            (self.folder / name).mkdir()
        self.forker = Forker("clicks_process", lambda *ends: self.connected.put_nowait(ends))
        await self.forker.open(self.engine)
        try:
            yield
        finally:
            await self.forker.close()
            await self.db.close()

    async def begin(self, place: int, number: int) -> None:
        """Let a life begin that ends before this place; 0: that does not."""
        where = {"engine": self.engine, "where": self.where, "folder": str(self.folder)}
        self.forker.begin(design=self.design, place=place, day=self.day, number=number, **where)
        self.ends = await self.connected.get()

    async def end(self) -> int:
        """Let go of it; which signal has ended it."""
        self.ends[1].close()
        return await self.forker.ended()

    async def ask(self, number: int, *asked: Any) -> Any:
        """What it says; should it die, what its next life says."""
        while True:
            self.ends[1].write(json.dumps(asked).encode() + b"\n")
            line = b""
            with suppress(ConnectionError):
                line = await self.ends[0].readline()
            if line:
                return json.loads(line)
            assert await self.end() == signal.SIGKILL
            self.kills += 1
            await self.begin(0, number)

    async def stream(self, number: int, place: int) -> tuple[Event, bool]:
        """A small stream with a process that dies before this place."""
        clicks, kills = small(number, P), self.kills
        await self.begin(place, number)
        for i, click in enumerate(clicks, 1):
            await self.ask(number, "click", *click)
            if i % SMALL_TURN == 0:
                await self.ask(number, "work")
        for what in ("work", "settle"):
            await self.ask(number, what)
        died = self.kills > kills
        assert self.kills <= kills + 1
        bill = await self.ask(number, "bill")
        assert await self.end() == 0
        value = {"hit": died, "before": [], "heard": [True] * len(clicks), "bill": bill}
        args = (number, "places", "dies", (place,), SMALL_TURN, clicks)
        value |= {"looks": [], "cost": {}, "took_s": 0.0}
        return Event("browsers", "stream", args, float(number), number + 0.5, "ok", value), died


async def found_in(engine: str, design: str, folder: Path, most: int = 60) -> list[Found]:
    """Kill a process before each of its places, until it has no more, and judge as the experiment does."""
    browsers, events = Browsers(engine, design, folder), []
    async with browsers.open():
        for place in itertools.count(1):
            event, died = await browsers.stream(place, place)
            events.append(event)
            log = DiskLog(path=folder / "log")
            browsers.day = await log.end()
            await log.close()
            if not died or place == most:
                break
    return judged(History(events, {}), P)
