"""It notes how far a member is when it hands records out, not when they are handled: who dies takes them along."""

from __future__ import annotations

from windtunnel.catalogue.interview.q13_kafka.logs import AcksAll
from windtunnel.catalogue.interview.q13_kafka.machines import Given

challenge = "q13-kafka"


class Yours(AcksAll):
    async def poll(self, member: str, generation: int, handled: dict[int, int]) -> tuple[int, Given]:
        generation, given = await super().poll(member, generation, {})
        await self.note({partition: offset + 1 for partition, offset, _ in given})
        return generation, given
