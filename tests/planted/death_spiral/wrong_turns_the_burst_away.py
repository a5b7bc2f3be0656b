"""Few are let in and all others turned away, also those for whom there would be time."""

from __future__ import annotations

from windtunnel.catalogue.scale.death_spiral import LimitInside

challenge = "death-spiral"


class Yours(LimitInside):
    pass
