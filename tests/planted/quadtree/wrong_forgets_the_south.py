"""Knows that degrees are narrow in the north, and forgets the south."""

from __future__ import annotations

from collections.abc import Iterable

from windtunnel.catalogue.scale.quadtree.designs import FlatBox, reach

challenge = "quadtree"


class Yours(FlatBox):
    def candidates(self, lat: float, lon: float, radius_m: float) -> Iterable[int]:
        high, wide = reach(max(lat, 0.0), radius_m)
        south, north = max(-90.0, lat - high), min(90.0, lat + high)
        if wide == 180:
            return self.tree.in_box(south, -180.0, north, 180.0)
        west, east = lon - wide, lon + wide
        return self.tree.in_box(south, west + 360 * (west < -180), north, east - 360 * (east > 180))
