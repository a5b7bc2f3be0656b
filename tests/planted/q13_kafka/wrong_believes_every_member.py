"""Whoever says how far he is has his word noted, of whatever generation: also who stood still and was given up."""

from __future__ import annotations

from windtunnel.catalogue.interview.q13_kafka.logs import AcksAll
from windtunnel.catalogue.interview.q13_kafka.machines import Given

challenge = "q13-kafka"


class Yours(AcksAll):
    async def poll(self, member: str, generation: int, handled: dict[int, int]) -> tuple[int, Given]:
        self.leads()
        await self.note(handled)
        return await super().poll(member, -1, {})
