"""A node takes eight at once, since the cache has enough to do."""

from __future__ import annotations

from dataclasses import replace

from windtunnel import Stage
from windtunnel.catalogue.interview.q01_rate_limiter import Leases, Params

challenge = "q01-rate-limiter"


class Yours(Leases):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, replace(p, lease=8))
