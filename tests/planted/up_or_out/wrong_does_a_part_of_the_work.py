"""A cache is said to save half of the work, and there is none."""

from __future__ import annotations

from windtunnel.catalogue.scale.up_or_out import OneMachine
from windtunnel.sim import Departure

challenge = "up-or-out"


class Yours(OneMachine):
    def handle(self, work_s: float) -> Departure:
        return super().handle(work_s / 2)
