"""Gateways of q04-whatsapp in processes of their own, which `kill -9` themselves before a thing they do.

Phones are here, with the `websockets` library's own client; gateways share a file of SQLite or a schema of PostgreSQL,
and talk to each other over sockets. Whoever is dead is started again at the same port.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path
from random import Random
from typing import Any

from helpers.killed_process import Forker
from helpers.payments_process import OPEN
from windtunnel import Event, History, Stage
from windtunnel.catalogue.interview import q04_whatsapp
from windtunnel.catalogue.interview.q04_whatsapp.claims import CALM
from windtunnel.catalogue.interview.q04_whatsapp.judging import Chats, checked
from windtunnel.catalogue.interview.q04_whatsapp.machines import Machine, World
from windtunnel.catalogue.interview.q04_whatsapp.phones import Phone
from windtunnel.catalogue.interview.q04_whatsapp.rig import directory
from windtunnel.catalogue.interview.q04_whatsapp.talk import chats_of, devices_of, text_of
from windtunnel.catalogue.interview.q04_whatsapp.wire import request
from windtunnel.engines.database.postgres import PostgresDatabase
from windtunnel.engines.database.sqlite import SqliteDatabase
from windtunnel.lab.params import make

GIVEN = {**CALM, "spread_s": 0.2, "ping_s": 5.0, "hold_s": 5.0, "poll_s": 0.5}
PLACES = 14
"""Effects of a gateway's life, before one of which it ends."""
GATEWAYS = 2
EVERY_S = 0.02
"""Between two messages, while gateways are killed."""
UNTOLD = 60
"""When so many are not ticked, people wait: else a loaded machine has the more to tell once nobody dies any more."""
LONG_S, SHORT_S = 60.0, 5.0
"""After so long in which nothing new was shown it is over: of who keeps messages, and of who does not."""


def tables_of(world: World, kind: Any) -> dict[str, Any]:
    """Columns of all that is kept."""
    known = {name: columns for name, (columns, _) in directory(world.chats).items()}
    return {name: (columns, ()) for name, columns in {**known, **kind.tables}.items()}


# --- the process -----------------------------------------------------------------------------------------------------
async def live(design: str, engine: str, where: str, number: int, place: int, ports: Any, port: int) -> None:
    """One life of a gateway, until it kills itself or the connection to the test ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    stage, p = Stage(engine, number), make(q04_whatsapp.experiment.params, GIVEN)
    world = World(stage, p, devices_of(p), chats_of(p))
    world.ports = {n: tuple(one) for n, one in enumerate(ports)}
    world.where = {n: ("127.0.0.1", *one) for n, one in world.ports.items()}
    kind: Any = q04_whatsapp.experiment.designs[design]
    reached = 0

    def act(desk: Any, what: str, to: int | None) -> None:
        nonlocal reached
        reached += 1
        if reached == place:
            os.kill(os.getpid(), signal.SIGKILL)

    world.act = act
    machine = Machine(world, number, OPEN[engine](where, tables_of(world, kind)), lambda: kind(stage, p))
    machine.start()
    (serves,) = machine.tasks
    await asyncio.wait([serves, end := asyncio.ensure_future(reader.read())], return_when=asyncio.FIRST_COMPLETED)
    if world.broken is not None:
        raise world.broken
    assert end.done(), "a gateway serves until its death: it has not had its ports"
    writer.close()
    os._exit(0)


# --- the test --------------------------------------------------------------------------------------------------------
class Town:
    """Phones, people who type, and two gateways that are killed and started again."""

    def __init__(self, engine: str, design: str, folder: Path, seed: int) -> None:
        self.engine, self.design = engine, design
        file = folder / "chat.sqlite"
        self.db: Any = SqliteDatabase("db", file, connections=2) if engine == "sqlite" else PostgresDatabase()
        self.where = str(file) if engine == "sqlite" else str(vars(self.db)["_schema"])
        self.luck = Random(seed)
        stage, p = Stage(engine, seed), make(q04_whatsapp.experiment.params, GIVEN)
        self.world = World(stage, p, devices_of(p), chats_of(p))
        self.kind: Any = q04_whatsapp.experiment.designs[design]
        self.phones = [
            Phone(self.world, device, user, user not in self.world.users[:device], lambda: self.kind(stage, p))
            for device, user in enumerate(self.world.users)
        ]
        self.kills, self.most = 0, 0
        self.ports = [free_ports() for _ in range(GATEWAYS)]
        self.world.where = {n: ("127.0.0.1", *one) for n, one in enumerate(self.ports)}
        self.said: list[tuple[float, int, int, str, Any]] = []
        self.ends: dict[int, asyncio.StreamWriter] = {}

    async def keep(self, number: int) -> None:
        """One gateway, life after life."""
        came: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        forker = Forker("chat_process", lambda reader, writer: came.put_nowait(writer))
        await forker.open(self.engine)
        try:
            while True:
                place = self.luck.randrange(1, PLACES + 1) if self.kills < self.most else 0
                told = {"design": self.design, "engine": self.engine, "where": self.where, "number": number}
                forker.begin(place=place, ports=self.ports, **told)
                self.ends[number] = await came.get()
                ended = await forker.ended()
                self.ends[number].close()
                if ended != signal.SIGKILL:
                    assert ended == 0
                    return
                self.kills += 1
        finally:
            await forker.close()

    async def chat(self, most: int) -> History:
        """People type until so many gateways have died, and then wait."""
        self.most = most
        for name, (columns, rows) in directory(self.world.chats).items():
            await self.db.create_table(name, columns, rows)
        for name, columns in self.kind.tables.items():
            await self.db.create_table(name, columns)
        over = asyncio.gather(*(self.keep(number) for number in range(GATEWAYS)))
        for phone in self.phones:
            phone.start()
        clock = self.world.stage.clock
        began_s = clock()
        async with asyncio.timeout(4 * LONG_S):
            while self.kills < most:
                if sum(len(phone.outbox) for phone in self.phones) < UNTOLD:
                    self.say(clock() - began_s)
                if over.done():
                    over.result()  # which raises what has ended a gateway
                await asyncio.sleep(EVERY_S)
        last, since_s = -1, clock()
        while not self.complete() and clock() < since_s + (LONG_S if self.kind.tables else SHORT_S):
            now = sum(len(phone.shown) for phone in self.phones)
            if now != last:
                last, since_s = now, clock()
            await asyncio.sleep(EVERY_S)
        await asyncio.sleep(1.0)  # for what comes twice
        if self.world.broken is not None:
            raise self.world.broken
        for phone in self.phones:
            assert phone.task is not None
            phone.task.cancel()
            phone.hang_up()
        for end in self.ends.values():
            end.close()
        await over
        await self.db.close()
        return self.history(began_s)

    def say(self, at_s: float) -> None:
        """Somebody types something."""
        phone = self.luck.choice(self.phones)
        chat = self.luck.choice([chat for chat, users in enumerate(self.world.chats) if phone.user in users])
        text = text_of(len(self.said))
        self.said.append((at_s, phone.device, chat, text, phone.type(chat, text)))

    def complete(self) -> bool:
        """Whether all is ticked, and on all screens."""
        wanted = sum(len(self.world.devices(chat)) for _, _, chat, _, _ in self.said)
        shown = sum(len({text for _, _, text in phone.shown}) for phone in self.phones)
        return not any(phone.outbox for phone in self.phones) and shown >= wanted

    def history(self, began_s: float) -> History:
        """What was typed and ticked, and what phones have shown."""
        sent = {text: at - began_s for phone in self.phones for at, text, what in phone.ticks if what == "sent"}
        events = [
            Event(
                f"phone {device}",
                "say",
                (device, chat, text, "", 0),
                at,
                sent.get(text, 1e6),
                "ok" if text in sent else "unknown",
            )
            for at, device, chat, text, _ in self.said
        ]
        shown = [[(at - began_s, *rest) for at, *rest in phone.shown] for phone in self.phones]
        ticks = [[(at - began_s, *rest) for at, *rest in phone.ticks] for phone in self.phones]
        return History(events, {"shown": shown, "ticks": ticks})


def free_ports() -> tuple[int, int]:
    """Two ports that nobody has."""
    with socket.socket() as one, socket.socket() as two:
        for each in (one, two):
            each.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


async def judged(engine: str, design: str, folder: Path, kills: int, seed: int = 0) -> dict[str, int]:
    """Let gateways die so often, and judge as the experiment does."""
    town = Town(engine, design, folder, seed)
    history = await town.chat(kills)
    chats = Chats(history, make(q04_whatsapp.experiment.params, GIVEN))
    return {
        "kills": town.kills,
        "typed": len(chats.typed),
        "sent": sum(one.sent_s < 1e6 for one in chats.typed.values()),
        "lost": len(chats.lost()),
        "twice": chats.twice(),
        "disorder": chats.disorder(),
        "strange": chats.strange,
        "findings": checked(chats),
    }


async def held_kib(design: str, folder: Path, many: int, process: Any) -> float:
    """Memory that a gateway's process takes for each of so many connections of phones, in KiB.

    Args:
        process: `psutil.Process`.
    """
    import resource

    from websockets.asyncio.client import connect

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    town = Town("sqlite", design, folder, 0)
    for name, (columns, rows) in directory(town.world.chats).items():
        await town.db.create_table(name, columns, rows)
    for name, columns in town.kind.tables.items():
        await town.db.create_table(name, columns)
    came: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    forker = Forker("chat_process", lambda reader, writer: came.put_nowait(writer))
    await forker.open("sqlite")
    try:
        told = {"design": design, "engine": "sqlite", "where": town.where, "number": 0, "ports": town.ports}
        forker.begin(place=0, **told)
        end = await came.get()
        (gateway,) = process(forker.process.pid).children()

        async def one(number: int) -> Any:
            device = number % len(town.phones)
            if design == "store_and_forward":
                address = f"ws://127.0.0.1:{town.ports[0][0]}/phone/{device}"
                return await connect(address, compression=None, proxy=None, ping_interval=None)
            _, writer = await asyncio.open_connection("127.0.0.1", town.ports[0][1])
            writer.write(request(device, {"have": []}))
            return writer

        held = [await until_there(lambda: one(0))]
        before = gateway.memory_info().rss
        held += [await one(number) for number in range(1, many + 1)]
        await asyncio.sleep(2.0)
        found = (gateway.memory_info().rss - before) / many / 1024
        for line in held:
            line.transport.abort()
            if design != "store_and_forward":
                line.close()
        end.close()
        assert await forker.ended() == 0
        return found
    finally:
        await forker.close()
        await town.db.close()


async def until_there(call: Any) -> Any:
    """What it answers, once somebody does."""
    for _ in range(int(SHORT_S / EVERY_S)):
        try:
            return await call()
        except OSError:
            await asyncio.sleep(EVERY_S)
    return await call()
