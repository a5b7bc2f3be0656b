"""Puts a driver where it was first seen."""

from __future__ import annotations

from windtunnel.catalogue.scale.quadtree.designs import RoundBox

challenge = "quadtree"


class Yours(RoundBox):
    def move(self, driver: int, lat: float, lon: float) -> None:
        if driver not in self.tree:
            super().move(driver, lat, lon)
