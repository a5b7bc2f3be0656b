"""Timeouts of two thirds: still ten times what a disk takes, and a leader sooner."""

from __future__ import annotations

from windtunnel.catalogue.scale.election.designs import Careful
from windtunnel.catalogue.scale.election.servers import Setting

challenge = "election"


class Yours(Careful):
    def election_s(self, p: Setting) -> tuple[float, float]:
        return 0.67e-3 * p.timeout_ms, 0.67e-3 * (p.timeout_ms + p.spread_ms)
