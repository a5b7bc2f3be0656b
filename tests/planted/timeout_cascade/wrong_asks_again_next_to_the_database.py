"""Only the layer next to the database asks again: what gets lost above it stays lost."""

from __future__ import annotations

from windtunnel.catalogue.scale.timeout_cascade import NearestOnly

challenge = "timeout-cascade"


class Yours(NearestOnly):
    pass
