"""Chooses the size of nine cells by the radius alone, as if they were as wide in the north as at the equator."""

from __future__ import annotations

from collections.abc import Iterable

from windtunnel.blocks.space import encode, neighbours
from windtunnel.catalogue.scale.quadtree.designs import MOST_LETTERS, FittedCells, cell_height, cell_width, reach

challenge = "quadtree"


class Yours(FittedCells):
    def looked_at(self, lat: float, lon: float, radius_m: float) -> Iterable[str]:
        high, wide = reach(0.0, radius_m)
        letters = max(n for n in range(1, MOST_LETTERS) if cell_height(n) >= high and cell_width(n) >= wide)
        own = encode(lat, lon, letters)
        return [own, *neighbours(own)]
