"""The leader sends each batch to those in sync and says yes when they have it; who missed something asks for it."""

from __future__ import annotations

from typing import Any

from windtunnel.blocks.broker import NotLeading, batches_in
from windtunnel.catalogue.interview.q13_kafka.logs import ALL, AcksAll

challenge = "q13-kafka"


class Yours(AcksAll):
    async def write(self, partition: int, batch: bytes) -> None:
        part = self.parts[partition]
        place, epoch = part.append(batch, ALL), part.epoch
        await self.sync(part)
        data = part.log.read(place.base_offset)
        for server in sorted(part.in_sync - {self.desk.me}):
            if part.epoch == epoch and part.high_watermark < place.next_offset:
                await self.push(partition, server, epoch, data)
        self.tell()
        while part.high_watermark < place.next_offset:
            if not part.leads or part.epoch != epoch:
                raise NotLeading
            await self.look_again()

    async def push(self, partition: int, server: int, epoch: int, data: bytes) -> None:
        part = self.parts[partition]
        try:
            end, last = await self.desk.ask(server, ["push", partition, epoch, data])
        except ConnectionError:
            return
        if part.leads and part.epoch == epoch:
            part.answer(server, epoch, end, last, self.desk.now_ms)

    async def answer(self, asked: Any) -> list[Any]:
        if asked[0] != "push":
            return await super().answer(asked)
        _, partition, epoch, data = asked
        part = self.parts[partition]
        if part.leads or part.epoch != epoch:
            raise NotLeading
        first = next(header for header, _ in batches_in(data))
        if first.base_offset == part.log.next_offset and part.log.latest_epoch == epoch:
            part.log.append_copies(data)
            await self.sync(part)
        return [part.log.next_offset, part.log.latest_epoch]
