"""How far a group is only its leader knows; a new one begins with what comes from now on."""

from __future__ import annotations

from windtunnel.catalogue.interview.q13_kafka.logs import AcksAll
from windtunnel.catalogue.interview.q13_kafka.machines import PARTITIONS, Verdict

challenge = "q13-kafka"


class Yours(AcksAll):
    def hear(self, verdict: Verdict) -> None:
        news = verdict.epoch > self.parts[0].epoch
        super().hear(verdict)
        if news:
            first = verdict.epoch == 1
            self.places = {i: 0 if first else self.parts[i].high_watermark for i in range(PARTITIONS)}

    def noted(self) -> dict[int, int]:
        return self.places

    async def note(self, handled: dict[int, int]) -> None:
        self.places |= handled
