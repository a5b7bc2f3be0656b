"""The order is committed before the provider is asked, no statement waits for long, and a row is asked for in turn."""

from __future__ import annotations

from windtunnel.catalogue.scale.pool_exhaustion import AllThree

challenge = "pool-exhaustion"


class Yours(AllThree):
    pass
