"""Nine cells of a geohash, of so few letters that none is narrower than the circle."""

from __future__ import annotations

from windtunnel.catalogue.scale.quadtree.designs import FittedCells

challenge = "quadtree"


class Yours(FittedCells):
    pass
