"""After the first late answer everybody is turned away until nobody is inside."""

from __future__ import annotations

from windtunnel.catalogue.scale.death_spiral import ShedAll

challenge = "death-spiral"


class Yours(ShedAll):
    pass
