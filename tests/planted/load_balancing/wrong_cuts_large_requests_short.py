"""A limit on each request's work keeps the tail short, and leaves the rest undone."""

from __future__ import annotations

from windtunnel.catalogue.scale.load_balancing import TwoChoices
from windtunnel.sim import Departure

challenge = "load-balancing"


class Yours(TwoChoices):
    def handle(self, work: float) -> Departure:
        return super().handle(min(work, 2.0))
