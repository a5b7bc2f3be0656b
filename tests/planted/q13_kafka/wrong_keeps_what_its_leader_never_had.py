"""Who follows asks from its end on, and does not look whether what it has is what its leader has."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.blocks.broker import ReplicaAnswer
from windtunnel.catalogue.interview.q13_kafka.logs import AcksAll

challenge = "q13-kafka"


class Yours(AcksAll):
    def answers(self, server: int, questions: Sequence[tuple[int, int, int]]) -> list[ReplicaAnswer]:
        asked = []
        for part, (epoch, offset, _) in zip(self.parts, questions, strict=True):
            offset = min(offset, part.log.next_offset)
            known = part.log.epochs.latest
            while offset and known >= 0 and part.log.end_of_epoch(known - 1)[1] >= offset:
                known -= 1
            asked.append((epoch, offset, known if offset else -1))
        return super().answers(server, asked)
