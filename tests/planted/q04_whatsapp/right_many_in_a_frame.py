"""Many messages in a frame: who serves a line waits for a moment, and tells and is told of all that came meanwhile."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.phones import Phone
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame, Line

challenge = "q04-whatsapp"
PAUSE_S = 0.03


class Yours(StoreAndForward):
    async def heard_of(self, here: Desk, line: Line, frame: Frame) -> None:
        if "have" not in frame:
            await super().heard_of(here, line, frame)
            return
        for one in frame["have"]:
            await self.acknowledged(here, line.device, *one)

    async def pump(self, here: Desk, line: Line) -> None:
        sent: dict[object, int] = {}
        shown: dict[int, bool] = {}
        while True:
            self.lines[line].clear()
            receipts = await here.db.select("receipt", {"sender": here.users[line.device]})
            told = [row for row in receipts if row["seq"] != sent.get(row["id"], 0)]
            new = [row for row in await self.waiting(here, line.device) if row["seq"] > sent.get(row["chat"], 0)]
            sent |= {row["id"]: row["seq"] for row in told} | {row["chat"]: row["seq"] for row in new}
            if new or told:
                await line.send({"many": new, "receipts": told})
            await self.show(here, line, shown)
            await self.lines[line].wait()
            await asyncio.sleep(PAUSE_S)

    async def hear(self, me: Phone, line: Line, frame: Frame) -> None:
        if "many" not in frame:
            await super().hear(me, line, frame)
            return
        have = []
        for row in frame["many"]:
            device, number, *_ = map(int, row["message"].split("/"))
            if device == me.device:
                me.kept.setdefault("mine", {})[row["chat"], row["seq"]] = number
            have.append([row["chat"], row["seq"], row["sender"], self.take(me, row)])
        if have:
            await line.send({"have": have})
        for row in frame["receipts"]:
            self.receipt(me, row)
