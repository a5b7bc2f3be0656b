"""What I read cannot change under me in repeatable read."""

from __future__ import annotations

from windtunnel.catalogue.scale.isolation_levels import Snapshot

challenge = "isolation-levels"


class Yours(Snapshot):
    pass
