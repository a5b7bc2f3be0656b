"""Given back, a limit for each statement, and two connections for reads, which leaves purchases what is left."""

from __future__ import annotations

from windtunnel.catalogue.scale.pool_exhaustion import GivenBack, Split

challenge = "pool-exhaustion"


class Yours(GivenBack, Split):
    statement_s = 0.3
