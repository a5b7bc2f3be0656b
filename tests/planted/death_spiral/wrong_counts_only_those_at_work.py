"""Only those at work count as inside: who is in the queue holds memory too, but that was not measured."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.death_spiral import Params, Service, Unbounded
from windtunnel.catalogue.scale.death_spiral.judging import WORKERS, share_done

challenge = "death-spiral"


class _AtWork(Service):
    def pace(self) -> None:
        self.server.set_speed(share_done(self.p, min(self.inside, WORKERS)))


class Yours(Unbounded):
    def __init__(self, stage: Stage, p: Params) -> None:
        self.stage, self.p, self.sim, self.real = stage, p, stage.sim, None
        self.service = _AtWork(stage, p)
        self.admitted, self.done_s = 0, []
