"""Three times the requests come, so three times the workers serve them."""

from __future__ import annotations

from dataclasses import replace

from windtunnel import Stage
from windtunnel.catalogue.scale.overload import Params, ThrottledClients

challenge = "overload"


class Yours(ThrottledClients):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, replace(p, workers=3 * p.workers))
