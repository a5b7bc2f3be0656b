"""Who gives up stays away."""

from __future__ import annotations

from windtunnel.catalogue.scale.metastable_map import NoRetries

challenge = "metastable-map"


class Yours(NoRetries):
    pass
