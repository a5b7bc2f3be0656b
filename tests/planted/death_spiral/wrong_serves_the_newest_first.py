"""The newest is served first, so that somebody at least is answered in time."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.death_spiral import Params, Service, Unbounded
from windtunnel.catalogue.scale.death_spiral.judging import WORKERS
from windtunnel.sim import Lifo

challenge = "death-spiral"


class _Newest(Service):
    def __init__(self, stage: Stage, p: Params) -> None:
        self.server = stage.server("service", workers=WORKERS, discipline=Lifo())
        self.p = p


class Yours(Unbounded):
    def __init__(self, stage: Stage, p: Params) -> None:
        self.stage, self.p, self.sim, self.real = stage, p, stage.sim, None
        self.service = _Newest(stage, p)
        self.admitted, self.done_s = 0, []
