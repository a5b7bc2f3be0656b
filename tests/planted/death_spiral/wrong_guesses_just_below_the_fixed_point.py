"""The fixed point is thirty, so twenty-eight are let in and the others wait outside."""

from __future__ import annotations

from windtunnel.catalogue.scale.death_spiral import LineOutside

challenge = "death-spiral"


class Yours(LineOutside):
    def most(self) -> float:
        return 28
