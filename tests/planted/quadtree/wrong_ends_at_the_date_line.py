"""Makes the box as wide as the circle is in the north, and ends it at the date line."""

from __future__ import annotations

from collections.abc import Iterable
from math import asin, cos, degrees, radians, sin

from windtunnel.blocks.space import EARTH_RADIUS_M
from windtunnel.catalogue.scale.quadtree.designs import FlatBox

challenge = "quadtree"


class Yours(FlatBox):
    def candidates(self, lat: float, lon: float, radius_m: float) -> Iterable[int]:
        angle = radius_m / EARTH_RADIUS_M
        half = degrees(angle)
        south, north = max(-90.0, lat - half), min(90.0, lat + half)
        if north == 90 or south == -90:
            return self.tree.in_box(south, -180.0, north, 180.0)
        wide = degrees(asin(min(1.0, sin(angle) / cos(radians(lat)))))
        return self.tree.in_box(south, max(-180.0, lon - wide), north, min(180.0, lon + wide))
