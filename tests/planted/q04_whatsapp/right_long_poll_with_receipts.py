"""No WebSocket: held answers bring messages, receipts and who is online, and the next question says what has come."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from windtunnel.catalogue.interview.q04_whatsapp.designs import LongPoll
from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.phones import Phone
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame

challenge = "q04-whatsapp"


class Yours(LongPoll, StoreAndForward):
    async def gateway(self, here: Desk) -> None:
        self.woken: dict[int, asyncio.Event] = {}
        self.asked: dict[int, float] = {}
        self.known: set[int] = set()
        self.lines = {}
        self.attend(here)
        if self.p.watch:
            here.machine.spawn(self.beat(here))
            here.machine.spawn(self.forget(here))
        await here.open(
            ask=lambda device, frame: self.answer(here, device, frame), heard=lambda frame: self.wake(here, frame)
        )

    async def answer(self, here: Desk, device: int, frame: Frame) -> Frame:
        if "say" in frame:
            await self.accept(here, device, frame)
            return {}
        for one in frame["have"]:
            await self.acknowledged(here, device, *one)
        self.asked[device] = self.clock()
        self.look(here, [here.users[device]])
        woken = self.woken.setdefault(device, asyncio.Event())
        found = await self.found(here, device, frame)
        if not found["new"] and not found["receipts"] and found["online"] == frame["online"]:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.p.hold_s):
                    await woken.wait()
            found = await self.found(here, device, frame)
        return found

    def held(self, here: Desk) -> set[int]:
        late_s = self.clock() - self.p.hold_s - 1.0
        return {here.users[device] for device, at_s in self.asked.items() if at_s > late_s}

    async def forget(self, here: Desk) -> None:
        while True:
            before = self.held(here)
            await asyncio.sleep(1.0)
            self.look(here, before - self.held(here))

    def look(self, here: Desk, users: Any) -> None:
        known, self.known = self.known, self.held(here).union(*(users for _, users in self.heard.values()))
        if known != self.known:
            for device in [*self.woken]:
                self.woken.pop(device).set()

    async def found(self, here: Desk, device: int, frame: Frame) -> Frame:
        known = frame["known"]
        receipts = await here.db.select("receipt", {"sender": here.users[device]})
        new = await here.db.select("inbox", {"device": device}, order_by="seq")
        told = [row for row in receipts if row["seq"] != known.get(str(row["id"]), 0)]
        online = [[user, await self.online(here, user)] for user, _ in frame["online"]]
        return {"new": new, "receipts": told, "online": online}

    async def acknowledged(self, here: Desk, device: int, chat: int, seq: int, sender: int, read: bool) -> None:
        await StoreAndForward.acknowledged(self, here, device, chat, seq, sender, read)

    async def news(self, here: Desk, users: Any) -> None:
        frame = {"chat": -1, "users": [*users]}
        self.wake(here, frame)
        await here.tell(frame)

    def wake(self, here: Desk, frame: Frame | None) -> None:
        if frame is not None and "online" in frame:
            self.named(here, frame)
            return
        for device in [*self.woken]:
            if frame is None or here.users[device] in (frame.get("users") or here.chats[frame["chat"]]):
                self.woken.pop(device).set()

    async def phone(self, me: Phone) -> None:
        await asyncio.gather(self.write(me), self.read(me))

    async def read(self, me: Phone) -> None:
        have: list[list[Any]] = []
        known: dict[str, int] = me.kept.setdefault("known", {})
        online: list[list[Any]] = [[user, None] for user in me.open]
        while True:
            try:
                found = await me.ask({"have": have, "known": known, "online": online}, self.p.hold_s)
            except OSError:
                await asyncio.sleep(me.luck.random() * self.p.spread_s)
                continue
            have = []
            for row in found["new"]:
                device, number, *_ = map(int, row["message"].split("/"))
                if device == me.device:
                    me.kept.setdefault("mine", {})[row["chat"], row["seq"]] = number
                have.append([row["chat"], row["seq"], row["sender"], self.take(me, row)])
            for row in found["receipts"]:
                known[row["id"]] = row["seq"]
                self.receipt(me, row)
            for before, now in zip(online, found["online"], strict=True):
                if before != now:
                    me.see(*now)
            online = found["online"]
            await asyncio.sleep(self.pause_s if have or found["receipts"] else 0.0)
