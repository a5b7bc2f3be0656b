"""A WebSocket in front of a store: what is kept for a device until it says that it has it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.interview.q04_whatsapp.designs import Setting, Stored
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk, Tables
from windtunnel.catalogue.interview.q04_whatsapp.phones import Phone
from windtunnel.catalogue.interview.q04_whatsapp.presence import Presence
from windtunnel.catalogue.interview.q04_whatsapp.reader import Reader
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame, Line
from windtunnel.engines import AtMost, Where


class Inboxes(Reader, Presence):
    """A row in an inbox until the device acknowledges it; phones that were cut off come back at once."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.clock = stage.clock

    async def gateway(self, here: Desk) -> None:
        self.lines: dict[Line, asyncio.Event] = {}
        self.attend(here)
        if self.p.watch:
            here.machine.spawn(self.beat(here))
        await here.open(talk=lambda line: self.talk(here, line), heard=lambda frame: self.wake(here, frame))

    async def talk(self, here: Desk, line: Line) -> None:
        """Serve a phone, for as long as its line lasts."""
        self.lines[line] = asyncio.Event()
        line.beside(self.pump(here, line))
        try:
            if self.p.watch:
                await self.comes(here, line)
            async for frame in line:
                await here.turn()  # unclaimed: what a frame costs where phones log in
                await self.heard_of(here, line, frame)
        finally:
            del self.lines[line]
            self.open.pop(line, None)  # unclaimed: nobody looks there any more either
            if self.p.watch:
                self.goes(here, line)

    async def heard_of(self, here: Desk, line: Line, frame: Frame) -> None:
        """What a phone says: a message, that it has one, or whose chat it has open."""
        if "say" in frame:
            await self.accept(here, line.device, frame)
            await line.send({"sent": frame["say"]})
            await self.news(here, here.chats[frame["chat"]])
        elif "open" in frame:
            self.open[line] = frame["open"]
            self.lines[line].set()
        else:
            await self.acknowledged(here, line.device, *frame["have"])

    async def pump(self, here: Desk, line: Line) -> None:
        """Send what waits for a device, and receipts for its owner: each once on this line, as soon as it is there."""
        sent: dict[object, int] = {}
        shown: dict[int, bool] = {}
        while True:
            self.lines[line].clear()
            for row in await self.waiting(here, line.device):
                if row["seq"] > sent.get(row["chat"], 0):
                    sent[row["chat"]] = row["seq"]  # unclaimed: else it may come again until it is acknowledged
                    await self.forward(here, line, row)
            for row in await here.db.select("receipt", {"sender": here.users[line.device]}):
                if row["seq"] != sent.get(row["id"], 0):
                    sent[row["id"]] = int(row["seq"] or 0)
                    await line.send({"receipt": row})
            await self.show(here, line, shown)
            await self.lines[line].wait()

    async def forward(self, here: Desk, line: Line, row: Mapping[str, Any]) -> None:
        """Send it; it stays until it is acknowledged."""
        await line.send({"new": row})

    async def acknowledged(self, here: Desk, device: int, chat: int, seq: int, sender: int, read: bool) -> None:
        """A device has it, and its owner may have read it: tell the sender, and keep it no longer."""
        user, news = here.users[device], 0
        if user != sender:
            for what in ("delivered", "read") if read else ("delivered",):
                key = f"{sender}/{chat}/{user}/{what}"
                later: Where = {"id": key, "seq": AtMost(seq - 1)}  # unclaimed: a phone knows the greatest itself
                news += await here.db.update("receipt", later, {"seq": seq})
        await here.db.delete("inbox", {"id": f"{device}/{chat}/{seq}"})
        if news:
            await self.news(here, [sender])

    async def news(self, here: Desk, users: Iterable[int]) -> None:
        """There is something new for these: tell it here, and at the other gateways."""
        frame = {"users": [*users]}
        self.wake(here, frame)
        await here.tell(frame)

    def wake(self, here: Desk, frame: Frame | None) -> None:
        """Let the lines of these users look, or those of all; or hear who is online at another gateway."""
        if frame is not None and "online" in frame:
            self.named(here, frame)
        users = None if frame is None else frame.get("users", ())
        for line, woken in self.lines.items():
            if users is None or here.users[line.device] in users:
                woken.set()


class ForgetsOnSend(Inboxes):
    """A row until it was written to the device's socket; and a flag for who is online, until his line ends."""

    tables: Tables = {**Stored.tables, "online": {"id": str, "user": int}}

    async def forward(self, here: Desk, line: Line, row: Mapping[str, Any]) -> None:
        await line.send({"new": row})
        await here.db.delete("inbox", {"id": row["id"]})

    # --- who is online -------------------------------------------------------------------------------------------
    def attend(self, here: Desk) -> None:
        super().attend(here)
        self.flags: dict[Line, str] = {}

    async def beat(self, here: Desk) -> None:
        """Nothing is said again: it is in the database."""

    async def comes(self, here: Desk, line: Line) -> None:
        self.flags[line] = f"{here.machine.number}/{line.device}/{self.clock()}"
        await here.db.insert("online", {"id": self.flags[line], "user": here.users[line.device]})
        await self.changed(here, line)

    def goes(self, here: Desk, line: Line) -> None:
        if not here.dead:
            here.machine.spawn(self.gone(here, line))

    async def gone(self, here: Desk, line: Line) -> None:
        """Take it away."""
        await here.db.delete("online", {"id": self.flags.pop(line)})
        await self.changed(here, line)

    async def changed(self, here: Desk, line: Line) -> None:
        """Let those look who are told of him, here and at the other gateways."""
        user = here.users[line.device]
        self.look(here, [user])
        await here.tell({"online": [user]})

    def named(self, here: Desk, frame: Frame) -> None:
        self.look(here, frame["online"])

    async def online(self, here: Desk, user: int) -> bool:
        return bool(await here.db.select("online", {"user": user}))


class WithoutIds(Inboxes):
    """A row until it is acknowledged, under an id that a gateway gives; all are told of all who come online."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.luck = stage.random("ids")

    def watched(self, here: Desk, line: Line) -> Collection[int]:
        return {*here.users} - {here.users[line.device]}

    async def accept(self, here: Desk, device: int, frame: Frame) -> None:
        await super().accept(
            here, device, {**frame, "say": f"{frame['say']}/{self.luck.getrandbits(62)}"}
        )  # unclaimed: bits


class StoreAndForward(Inboxes):
    """A row in an inbox until the device acknowledges it; who was cut off comes back at a time of his own."""

    def pause_s(self, me: Phone) -> float:
        return me.luck.random() * self.p.spread_s
