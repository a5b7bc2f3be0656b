"""Each member is handed every record, under a generation of its own: a group that divides nothing."""

from __future__ import annotations

from windtunnel.catalogue.interview.q13_kafka.designs import GIVEN
from windtunnel.catalogue.interview.q13_kafka.logs import LIVES, SESSION_MS, AcksAll, Fenced
from windtunnel.catalogue.interview.q13_kafka.machines import PARTITIONS, Desk, Given

challenge = "q13-kafka"


class Yours(AcksAll):
    def boot(self, desk: Desk) -> None:
        super().boot(desk)
        self.known: dict[str, tuple[int, float, dict[int, int]]] = {}
        self.number = 0

    async def poll(self, member: str, generation: int, handled: dict[int, int]) -> tuple[int, Given]:
        self.leads()
        mine, heard_ms, places = self.known.get(member, (0, 0.0, {}))
        if generation >= 0 and (mine != generation or self.desk.now_ms - heard_ms > SESSION_MS):
            self.known.pop(member, None)
            raise Fenced
        if generation < 0:
            self.number += 1
            mine, places = LIVES * self.parts[0].epoch + self.number, {}
        self.known[member] = mine, self.desk.now_ms, places | handled
        given: Given = []
        for partition in range(PARTITIONS):
            found = self.shown(partition, (places | handled).get(partition, 0))
            given += [(partition, *one) for one in found[: GIVEN - len(given)]]
        return mine, given
