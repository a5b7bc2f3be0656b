"""The version is enough, so nobody locks, and everybody works on what another one is about to change."""

from __future__ import annotations

from windtunnel.catalogue.scale.distributed_lock import Versioned

challenge = "distributed-lock"


class Yours(Versioned):
    pass
