"""Two retries instead of three: the line is at a third of the capacity."""

from __future__ import annotations

from windtunnel.catalogue.scale.metastable_map import ThreeRetries

challenge = "metastable-map"


class Yours(ThreeRetries):
    retries = 2
