"""One big machine with a real queue in front, first come, first served."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.up_or_out import Fleet, Params
from windtunnel.sim import Fifo, Signal

challenge = "up-or-out"


class Yours(Fleet):
    def __init__(self, stage: Stage, p: Params) -> None:
        self.servers = [stage.server("node 0", speed=p.nodes, discipline=Fifo())]  # type: ignore[list-item]

    def handle(self, work_s: float) -> Signal[None]:
        return self.servers[0].submit(work_s)
