"""While it waits for the others it does not look whether it leads still: who leads now has put others there."""

from __future__ import annotations

from windtunnel.catalogue.interview.q13_kafka.logs import ALL, AcksAll

challenge = "q13-kafka"


class Yours(AcksAll):
    async def write(self, partition: int, batch: bytes) -> None:
        part = self.parts[partition]
        place = part.append(batch, ALL)
        self.tell()
        await self.sync(part)
        while part.high_watermark < place.next_offset:
            await self.look_again()
