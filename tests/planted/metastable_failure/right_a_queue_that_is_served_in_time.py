"""A queue of half of the clients' patience, and no retry of who is refused."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.metastable_failure import ThreeRetries
from windtunnel.sim import Fifo, Server

challenge = "metastable-failure"


class Yours(ThreeRetries):
    def serving(self, stage: Stage) -> Server:
        limit = round(0.5 * self.p.capacity * self.p.patience_s)
        return stage.server("server", queue_limit=limit, discipline=Fifo())
