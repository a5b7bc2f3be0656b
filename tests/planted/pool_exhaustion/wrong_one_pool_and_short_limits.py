"""Whatever is waited for gets a short limit, also a provider that only needs a second."""

from __future__ import annotations

from windtunnel.catalogue.scale.pool_exhaustion import Deadlines

challenge = "pool-exhaustion"


class Yours(Deadlines):
    pass
