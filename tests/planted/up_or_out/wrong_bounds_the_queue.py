"""A full queue turns requests away, and the mean is that of those who got in."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.up_or_out import Fleet, Params
from windtunnel.sim import Departure

challenge = "up-or-out"


class Yours(Fleet):
    def __init__(self, stage: Stage, p: Params) -> None:
        self.servers = [stage.server("node 0", speed=p.nodes, queue_limit=3)]

    def handle(self, work_s: float) -> Departure:
        return self.servers[0].submit(work_s)
