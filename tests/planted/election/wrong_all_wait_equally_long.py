"""All servers wait for the same time before they ask for votes, so that nobody is at a disadvantage."""

from __future__ import annotations

from windtunnel.catalogue.scale.election.designs import Careful
from windtunnel.catalogue.scale.election.servers import Setting

challenge = "election"


class Yours(Careful):
    def election_s(self, p: Setting) -> tuple[float, float]:
        return 1e-3 * p.timeout_ms, 1e-3 * p.timeout_ms
