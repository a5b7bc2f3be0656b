"""It is in a transaction, so nobody comes between."""

from __future__ import annotations

from windtunnel.catalogue.scale.isolation_levels import ReadCommitted

challenge = "isolation-levels"


class Yours(ReadCommitted):
    pass
