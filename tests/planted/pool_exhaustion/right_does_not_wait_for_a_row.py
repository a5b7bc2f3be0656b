"""One pool; the order is committed first, and who finds its row locked gives up at once instead of waiting in line."""

from __future__ import annotations

from windtunnel.catalogue.scale.pool_exhaustion import GivenBack

challenge = "pool-exhaustion"


class Yours(GivenBack):
    statement_s = 0.02
