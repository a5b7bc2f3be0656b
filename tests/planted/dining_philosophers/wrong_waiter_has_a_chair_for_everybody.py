"""The waiter lets as many sit down as there are chairs, and there is one for everybody."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.concurrency.dining_philosophers import Params, Waiter
from windtunnel.sim import Semaphore

challenge = "dining-philosophers"


class Yours(Waiter):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.chairs = [Semaphore(self.sim, p.seats, "chairs") for _ in range(p.tables)]
