"""The connection is given back before the provider is asked, and a statement may wait for a lock for ever."""

from __future__ import annotations

from windtunnel.catalogue.scale.pool_exhaustion import GivenBack

challenge = "pool-exhaustion"


class Yours(GivenBack):
    pass
