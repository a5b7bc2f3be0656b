"""A pool for each dependency, and the connection is still held while the provider is asked."""

from __future__ import annotations

from windtunnel.catalogue.scale.pool_exhaustion import Split

challenge = "pool-exhaustion"


class Yours(Split):
    pass
