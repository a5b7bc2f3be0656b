"""Whoever lives is in sync, it says: also who has just come back with an empty disk, and leads next."""

from __future__ import annotations

from windtunnel.catalogue.interview.q13_kafka.logs import AcksAll
from windtunnel.catalogue.interview.q13_kafka.machines import SERVERS

challenge = "q13-kafka"


class Yours(AcksAll):
    def proposed(self) -> frozenset[int] | None:
        part = self.parts[0]
        return frozenset(SERVERS) if part.leads and part.in_sync != set(SERVERS) else None
