"""Bands of half a kilometre from south to north, all the way around."""

from __future__ import annotations

from collections.abc import Iterable

from windtunnel import Stage
from windtunnel.blocks.space import EARTH_RADIUS_M
from windtunnel.catalogue.scale.quadtree import Params

challenge = "quadtree"
BANDS = 250.0
"""A degree."""


class Yours:
    def __init__(self, stage: Stage, p: Params) -> None:
        self.band_of: dict[int, int] = {}
        self.bands: dict[int, set[int]] = {}

    def move(self, driver: int, lat: float, lon: float) -> None:
        if driver in self.band_of:
            self.bands[self.band_of[driver]].discard(driver)
        self.band_of[driver] = int((lat + 90) * BANDS)
        self.bands.setdefault(self.band_of[driver], set()).add(driver)

    def candidates(self, lat: float, lon: float, radius_m: float) -> Iterable[int]:
        half = radius_m / EARTH_RADIUS_M * 57.3
        for band in range(int((lat + 90 - half) * BANDS), int((lat + 90 + half) * BANDS) + 1):
            yield from self.bands.get(band, ())
