"""The limit follows the latency; who does not fit in waits outside for half of the patience."""

from __future__ import annotations

from windtunnel.catalogue.scale.death_spiral import Adaptive, LineOutside

challenge = "death-spiral"


class Yours(LineOutside, Adaptive):
    pass
