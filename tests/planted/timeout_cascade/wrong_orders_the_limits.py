"""Every layer waits for all attempts of the one below: the user has gone long before, and nobody knows."""

from __future__ import annotations

from windtunnel.catalogue.scale.timeout_cascade import Nested

challenge = "timeout-cascade"


class Yours(Nested):
    pass
