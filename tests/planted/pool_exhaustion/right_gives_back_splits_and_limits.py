"""The order is committed before the provider is asked, in a pool of its own, and no statement waits for long."""

from __future__ import annotations

from windtunnel.catalogue.scale.pool_exhaustion import AllThree

challenge = "pool-exhaustion"


class Yours(AllThree):
    pass
