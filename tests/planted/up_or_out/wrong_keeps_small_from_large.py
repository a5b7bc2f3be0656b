"""Half of the machines are kept for small requests: most of the count, and a quarter of the work."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.up_or_out import Fleet, Params
from windtunnel.sim import Departure

challenge = "up-or-out"


class Yours(Fleet):
    def __init__(self, stage: Stage, p: Params) -> None:
        small = p.nodes // 2
        self.servers = [stage.server("small", workers=small), stage.server("large", workers=p.nodes - small)]

    def handle(self, work_s: float) -> Departure:
        return self.servers[work_s > 1.0].submit(work_s)
