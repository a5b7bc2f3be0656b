"""Reading all is the cheapest that misses nothing, until one of them stands still."""

from __future__ import annotations

from windtunnel.catalogue.scale.how_stale import ReadAll

challenge = "how-stale"


class Yours(ReadAll):
    """As it is."""
