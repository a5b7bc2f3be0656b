"""Six are let in, and the others wait outside for half of their patience."""

from __future__ import annotations

from windtunnel.catalogue.scale.death_spiral import LineOutside

challenge = "death-spiral"


class Yours(LineOutside):
    pass
