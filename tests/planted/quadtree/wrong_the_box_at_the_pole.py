"""Divides by the cosine of the latitude, also where a pole is in the circle."""

from __future__ import annotations

from collections.abc import Iterable
from math import cos, degrees, radians

from windtunnel.blocks.space import EARTH_RADIUS_M
from windtunnel.catalogue.scale.quadtree.designs import FlatBox

challenge = "quadtree"


class Yours(FlatBox):
    def candidates(self, lat: float, lon: float, radius_m: float) -> Iterable[int]:
        half = degrees(radius_m / EARTH_RADIUS_M)
        wide = min(90.0, 1.01 * half / max(1e-9, cos(radians(lat))))
        west, east = lon - wide, lon + wide
        south, north = max(-90.0, lat - half), min(90.0, lat + half)
        return self.tree.in_box(south, west + 360 * (west < -180), north, east - 360 * (east > 180))
