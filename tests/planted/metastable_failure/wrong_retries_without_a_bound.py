"""A queue with room for a second, and three retries."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.metastable_failure import BoundedQueue
from windtunnel.sim import Fifo, Server

challenge = "metastable-failure"


class Yours(BoundedQueue):
    def serving(self, stage: Stage) -> Server:
        return stage.server("server", queue_limit=round(self.p.capacity), discipline=Fifo())
