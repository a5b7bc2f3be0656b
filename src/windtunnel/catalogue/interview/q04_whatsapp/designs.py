"""Who asks, who holds the answer back, who pushes and keeps nothing.

All but the last keep a message before they say that it is sent, in one transaction: the next number of its chat, under
a lock of the chat's row, its id, and a row in the inbox of each device. A phone shows what is beyond the last number.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from windtunnel import Stage
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk, Said, Tables
from windtunnel.catalogue.interview.q04_whatsapp.phones import Message, Phone
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame, Line

Rows = Sequence[Mapping[str, Any]]
AGAIN_S = 0.5
"""Between two tries of a phone to reach a gateway."""


class Setting(Protocol):
    """What designs and judges read of the parameters."""

    @property
    def users(self) -> int: ...
    @property
    def messages(self) -> int: ...
    @property
    def poll_s(self) -> float: ...
    @property
    def hold_s(self) -> float: ...
    @property
    def spread_s(self) -> float: ...
    @property
    def watch(self) -> int: ...
    @property
    def crowd(self) -> int: ...
    @property
    def crowd_s(self) -> float: ...


def said(me: Phone, message: Message) -> Frame:
    """A message on its way, under an id that no other has, and that it keeps when it is told again."""
    return {"say": f"{me.device}/{message.number}", "chat": message.chat, "text": message.text}


class Stored:
    """A store: inboxes in the database."""

    tables: Tables = {
        "message": {"id": str},
        "inbox": {"id": str, "device": int, "chat": int, "seq": int, "sender": int, "message": str, "text": str},
    }

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.p = p

    async def accept(self, here: Desk, device: int, frame: Frame) -> None:
        """Keep a message; once, however often it is told."""
        chat = frame["chat"]
        async with here.db.transaction() as t:
            row = await t.get("chat", chat, lock=True)
            if await t.get("message", frame["say"]) is None:
                seq = whole(row, "last") + 1  # unclaimed: any step will do
                await self.keep(here, t, here.users[device], frame, seq)

    async def keep(self, here: Desk, t: Said, sender: int, frame: Frame, seq: int) -> None:
        """It is the one with this number in its chat."""
        chat = frame["chat"]
        await t.update("chat", {"id": chat}, {"last": seq})
        await t.insert("message", {"id": frame["say"]})
        for device in here.devices(chat):
            row = {"device": device, "chat": chat, "seq": seq, "sender": sender, "message": frame["say"]}
            await t.insert("inbox", {"id": f"{device}/{chat}/{seq}", "text": frame["text"], **row})

    async def waiting(self, here: Desk, device: int) -> Rows:
        """What a device has not acknowledged, in the order of each chat."""
        return await here.db.select("inbox", {"device": device}, order_by="seq")

    def take(self, me: Phone, row: Mapping[str, Any]) -> bool:
        """Show it, unless that was done; whether its owner has looked at it."""
        last = me.kept.setdefault("last", {})
        if row["seq"] <= last.get(row["chat"], 0):
            return me.first
        last[row["chat"]] = row["seq"]
        return me.show(row["chat"], row["text"])


def whole(row: Mapping[str, Any] | None, column: str) -> int:
    """The number in this column."""
    assert row is not None
    number: int = row[column]
    return number


class Poll(Stored):
    """Each phone asks each second: what is new? The answer is nearly always: nothing."""

    way = "asks"

    async def gateway(self, here: Desk) -> None:
        await here.open(ask=lambda device, frame: self.answer(here, device, frame))

    async def answer(self, here: Desk, device: int, frame: Frame) -> Frame:
        """What a phone is told, of a message that it tells, or of what is new."""
        if "say" in frame:
            await self.accept(here, device, frame)
            return {}
        for name in frame["have"]:
            await here.db.delete("inbox", {"id": name})
        return {"new": await self.waiting(here, device)}

    async def phone(self, me: Phone) -> None:
        await asyncio.gather(self.write(me), self.read(me))

    async def write(self, me: Phone) -> None:
        """Tell of what is typed, one after the other, until it is heard."""
        while True:
            message = (await me.typed(0))[0]
            try:
                await me.ask(said(me, message))
            except OSError:
                await asyncio.sleep(AGAIN_S)  # unclaimed: it spares a gateway that is not there
            else:
                me.tick(message.number)

    async def read(self, me: Phone) -> None:
        """Ask, show what is new, and ask again."""
        have: list[str] = []
        await asyncio.sleep(me.luck.random() * self.p.poll_s)  # unclaimed: they do not all ask at one moment
        while True:
            with contextlib.suppress(OSError):
                found = await me.ask({"have": have}, self.held_s)
                for row in found["new"]:
                    self.take(me, row)
                have = [row["id"] for row in found["new"]]
            await asyncio.sleep(self.pause_s)

    @property
    def held_s(self) -> float:
        """For so long an answer may be held back."""
        return 0.0

    @property
    def pause_s(self) -> float:
        """From an answer to the next question."""
        return self.p.poll_s


class LongPoll(Poll):
    """The gateway holds its answer back until there is something to say."""

    way = "waits"

    async def gateway(self, here: Desk) -> None:
        self.woken: dict[int, asyncio.Event] = {}
        await here.open(
            ask=lambda device, frame: self.answer(here, device, frame), heard=lambda frame: self.wake(here, frame)
        )

    def wake(self, here: Desk, frame: Frame | None) -> None:
        """There is something new for the devices of a chat, or may be for any."""
        for device in [*self.woken] if frame is None else here.devices(frame["chat"]):
            if device in self.woken:
                self.woken.pop(device).set()

    async def accept(self, here: Desk, device: int, frame: Frame) -> None:
        await super().accept(here, device, frame)
        self.wake(here, frame)
        await here.tell({"chat": frame["chat"]})

    async def waiting(self, here: Desk, device: int) -> Rows:
        woken = self.woken.setdefault(device, asyncio.Event())
        found = await super().waiting(here, device)
        if not found:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.p.hold_s):
                    await woken.wait()
            found = await super().waiting(here, device)
        return found

    @property
    def held_s(self) -> float:
        return self.p.hold_s

    @property
    def pause_s(self) -> float:
        return 0.05  # unclaimed: what is typed in a burst comes in one answer


class Held:
    """A phone that holds a line, and comes again when it is over."""

    async def phone(self, me: Phone) -> None:
        while True:
            with contextlib.suppress(OSError):
                line = await me.connect()
                line.beside(self.say(me, line))
                async for frame in line:
                    await self.hear(me, line, frame)
            await asyncio.sleep(self.pause_s(me))

    def pause_s(self, me: Phone) -> float:
        """Until a phone tries again that was cut off."""
        return AGAIN_S

    async def say(self, me: Phone, line: Line) -> None:
        """Tell of what is typed, in that order, and on each new line of all that is not known to be sent."""
        last = 0
        while True:
            for message in await me.typed(last):
                await line.send(said(me, message))
                last = message.number

    async def hear(self, me: Phone, line: Line, frame: Frame) -> None:
        """What a gateway says."""
        raise NotImplementedError


class Push(Held):
    """A WebSocket, and nothing kept: whoever is there is told, and the sender that it is sent."""

    tables: Tables = {}

    def __init__(self, stage: Stage, p: Setting) -> None: ...

    async def gateway(self, here: Desk) -> None:
        self.lines: dict[int, Line] = {}
        await here.open(talk=lambda line: self.talk(here, line), heard=lambda frame: self.heard(here, frame))

    async def talk(self, here: Desk, line: Line) -> None:
        """Pass on what this phone says."""
        self.lines[line.device] = line
        async for frame in line:
            await self.push(here, frame)
            await here.tell(frame)
            await line.send({"sent": frame["say"]})

    def heard(self, here: Desk, frame: Frame | None) -> None:
        """Pass on what another gateway tells."""
        if frame is not None:
            here.machine.spawn(self.push(here, frame))

    async def push(self, here: Desk, frame: Frame) -> None:
        """Tell all who are here."""
        for device in here.devices(frame["chat"]):
            if device in self.lines:
                with contextlib.suppress(ConnectionError):
                    await self.lines[device].send(frame)

    async def hear(self, me: Phone, line: Line, frame: Frame) -> None:
        """Show what was not shown before; an id that is known again is no new message."""
        seen = me.kept.setdefault("seen", set())
        if "sent" in frame:
            me.tick(int(frame["sent"].partition("/")[2]))
        elif frame["say"] not in seen:
            seen.add(frame["say"])
            me.show(frame["chat"], frame["text"])
