"""A leader leads until it hears of a higher term; whom it still hears itself it does not ask."""

from __future__ import annotations

from windtunnel.catalogue.scale.election.designs import Careful

challenge = "election"


class Yours(Careful):
    check_quorum = False
