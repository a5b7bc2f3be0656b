"""It goes on while one server is in sync, to be there for its producers: what that one says yes to only it has."""

from __future__ import annotations

from windtunnel.catalogue.interview.q13_kafka.logs import AcksAll
from windtunnel.catalogue.interview.q13_kafka.machines import Desk

challenge = "q13-kafka"


class Yours(AcksAll):
    def boot(self, desk: Desk) -> None:
        desk.min_in_sync = 1
        super().boot(desk)
