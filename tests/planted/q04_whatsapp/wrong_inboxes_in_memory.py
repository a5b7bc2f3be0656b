"""Inboxes with numbers, ids and acknowledgements, in the gateway's memory, which is fast, and dies with it."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame

challenge = "q04-whatsapp"
Row = dict[str, object]


class Yours(StoreAndForward):
    async def accept(self, here: Desk, device: int, frame: Frame) -> None:
        self.boxes: dict[str, Row] = getattr(self, "boxes", {})
        self.known: dict[str, int] = getattr(self, "known", {})
        if frame["say"] in self.known:
            return
        self.known[frame["say"]] = seq = 1 + len(self.known)
        for other in here.devices(frame["chat"]):
            row: Row = {"id": f"{other}/{frame['chat']}/{seq}", "device": other, "chat": frame["chat"], "seq": seq}
            row |= {"sender": here.users[device], "message": frame["say"], "text": frame["text"]}
            self.boxes[str(row["id"])] = row
        if "first" in frame:
            return
        await here.tell({"users": [], "row": {**frame, "first": True}, "device": device})

    def wake(self, here: Desk, frame: Frame | None) -> None:
        if frame is not None and "row" in frame:
            here.machine.spawn(self.accept(here, frame["device"], frame["row"]))
            frame = {"users": here.chats[frame["row"]["chat"]]}
        super().wake(here, frame)

    async def waiting(self, here: Desk, device: int) -> list[Row]:
        rows = [row for row in getattr(self, "boxes", {}).values() if row["device"] == device]
        return sorted(rows, key=lambda row: row["seq"])

    async def acknowledged(self, here: Desk, device: int, chat: int, seq: int, sender: int, read: bool) -> None:
        await super().acknowledged(here, device, chat, seq, sender, read)
        getattr(self, "boxes", {}).pop(f"{device}/{chat}/{seq}", None)
