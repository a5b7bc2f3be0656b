"""A WebSocket in front of a store: what is kept for a device until it says that it has it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.interview.q04_whatsapp.designs import AGAIN_S, Setting, Stored, write
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.phones import Phone
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame, Line
from windtunnel.engines import AtMost, Where


class Inboxes(Stored):
    """A row in an inbox until the device acknowledges it; phones that were cut off come back at once."""

    # --- gateway -------------------------------------------------------------------------------------------------
    async def gateway(self, here: Desk) -> None:
        self.lines: dict[Line, asyncio.Event] = {}
        await here.open(talk=lambda line: self.talk(here, line), heard=lambda frame: self.wake(here, frame))

    async def talk(self, here: Desk, line: Line) -> None:
        """Serve a phone, for as long as its line lasts."""
        self.lines[line] = asyncio.Event()
        line.beside(self.pump(here, line))
        try:
            async for frame in line:
                await here.turn()  # unclaimed: what a frame costs where phones log in
                if "say" in frame:
                    await self.accept(here, line.device, frame)
                    await line.send({"sent": frame["say"]})
                    await self.news(here, here.chats[frame["chat"]])
                else:
                    await self.acknowledged(here, line.device, *frame["have"])
        finally:
            del self.lines[line]  # unclaimed: nobody waits there any more, and memory is not measured

    async def pump(self, here: Desk, line: Line) -> None:
        """Send what waits for a device, and receipts for its owner: each once on this line, as soon as it is there."""
        sent: dict[object, int] = {}
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
        """Let the lines of these users look, or those of all."""
        for line, woken in self.lines.items():
            if frame is None or here.users[line.device] in frame["users"]:
                woken.set()

    # --- phone ---------------------------------------------------------------------------------------------------
    async def phone(self, me: Phone) -> None:
        while True:
            with contextlib.suppress(OSError):
                line = await me.connect()
                line.beside(write(me, line))
                async for frame in line:
                    await self.hear(me, line, frame)
            await asyncio.sleep(self.pause_s(me))

    def pause_s(self, me: Phone) -> float:
        """Until a phone tries again that was cut off."""
        return AGAIN_S

    async def hear(self, me: Phone, line: Line, frame: Frame) -> None:
        """Show what is new, say that it is there; tick what was sent, and what others have."""
        if "new" in frame:
            row = frame["new"]
            device, number, *_ = map(int, row["message"].split("/"))
            if device == me.device:
                me.kept.setdefault("mine", {})[row["chat"], row["seq"]] = number
            read = self.take(me, row)
            await line.send({"have": [row["chat"], row["seq"], row["sender"], read]})
        elif "sent" in frame:
            me.tick(int(frame["sent"].partition("/")[2]))
        else:
            self.receipt(me, frame["receipt"])

    def receipt(self, me: Phone, row: Mapping[str, Any]) -> None:
        """Somebody has all up to this number: tick what everybody has."""
        chat, what = row["chat"], row["what"]
        marks = me.kept.setdefault((chat, what), dict.fromkeys(me.others(chat), 0))
        marks[row["reader"]] = max(marks[row["reader"]], row["seq"])
        for (of, seq), number in me.kept.get("mine", {}).items():
            if of == chat and seq <= min(marks.values()):
                me.tick(number, what)


class ForgetsOnSend(Inboxes):
    """A row in an inbox until it was written to the device's socket: what is sent is delivered."""

    async def forward(self, here: Desk, line: Line, row: Mapping[str, Any]) -> None:
        await line.send({"new": row})
        await here.db.delete("inbox", {"id": row["id"]})


class WithoutIds(Inboxes):
    """A row until the device acknowledges it; what is not ticked is told again, and a gateway gives it its id."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.luck = stage.random("ids")

    async def accept(self, here: Desk, device: int, frame: Frame) -> None:
        await super().accept(
            here, device, {**frame, "say": f"{frame['say']}/{self.luck.getrandbits(62)}"}
        )  # unclaimed: bits


class StoreAndForward(Inboxes):
    """A row in an inbox until the device acknowledges it; who was cut off comes back at a time of his own."""

    def pause_s(self, me: Phone) -> float:
        return me.luck.random() * self.p.spread_s
