"""It says yes when any two of three have it, whoever is in sync: the next leader may be the third."""

from __future__ import annotations

from windtunnel.blocks.broker import NotLeading
from windtunnel.catalogue.interview.q13_kafka.logs import ALL, AcksAll
from windtunnel.catalogue.interview.q13_kafka.machines import PARTITIONS, Desk

challenge = "q13-kafka"


class Yours(AcksAll):
    def boot(self, desk: Desk) -> None:
        super().boot(desk)
        self.ends: dict[tuple[int, int], int] = {}

    async def answer(self, asked: list[object]) -> list[object]:
        server, *questions = asked
        for partition, (_, offset, _) in enumerate(questions[:PARTITIONS]):  # type: ignore[misc]
            self.ends[partition, server] = offset  # type: ignore[index,has-type]
        self.tell()
        return await super().answer(asked)  # type: ignore[return-value]

    async def append(self, partition: int, batch: bytes) -> None:
        part = self.parts[partition]
        place, epoch = part.append(batch, ALL), part.epoch
        self.tell()
        await self.sync(part)
        while not any(self.ends.get((partition, other), 0) >= place.next_offset for other in part.replicas):
            if not part.leads or part.epoch != epoch:
                raise NotLeading
            await self.look_again()
