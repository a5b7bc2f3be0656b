"""Ways to know where drivers are, and to say which of them may be near."""

from __future__ import annotations

from collections.abc import Iterable
from math import asin, cos, degrees, pi, radians, sin
from typing import Protocol

from windtunnel import Stage
from windtunnel.blocks.space import EARTH_RADIUS_M, PlainQuadtree, encode, neighbours


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def letters(self) -> int: ...


class Scan:
    """Look at every driver."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.drivers = set[int]()

    def move(self, driver: int, lat: float, lon: float) -> None:
        """A driver is here now."""
        self.drivers.add(driver)

    def candidates(self, lat: float, lon: float, radius_m: float) -> Iterable[int]:
        """Who may be within so many metres: how far away each is will be computed."""
        return self.drivers


class OwnCell:
    """Those whose geohash begins as one's own does."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.letters = p.letters
        self.cell_of: dict[int, str] = {}
        self.cells: dict[str, set[int]] = {}

    def move(self, driver: int, lat: float, lon: float) -> None:
        """A driver is here now."""
        before, now = self.cell_of.get(driver), encode(lat, lon, self.letters)
        if before == now:
            return
        if before is not None:  # unclaimed: who was left in a cell is looked at in vain
            self.cells[before].discard(driver)  # unclaimed: the same
        self.cells.setdefault(now, set()).add(driver)
        self.cell_of[driver] = now  # unclaimed: the same

    def candidates(self, lat: float, lon: float, radius_m: float) -> Iterable[int]:
        """Who may be within so many metres: how far away each is will be computed."""
        for cell in set(self.looked_at(lat, lon, radius_m)):
            yield from self.cells.get(cell, ())

    def looked_at(self, lat: float, lon: float, radius_m: float) -> Iterable[str]:
        """Cells."""
        return [encode(lat, lon, self.letters)]


class Neighbours(OwnCell):
    """The own cell and the eight around it."""

    def looked_at(self, lat: float, lon: float, radius_m: float) -> Iterable[str]:
        own = encode(lat, lon, self.letters)
        return [own, *neighbours(own)]


class FlatBox:
    """A quadtree, asked for a square in degrees, as if the map were flat."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.tree: PlainQuadtree[int] = PlainQuadtree()

    def move(self, driver: int, lat: float, lon: float) -> None:
        """A driver is here now."""
        self.tree.put(driver, lat, lon)

    def candidates(self, lat: float, lon: float, radius_m: float) -> Iterable[int]:
        """Who may be within so many metres: how far away each is will be computed."""
        half = degrees(radius_m / EARTH_RADIUS_M)
        south, north = max(-90.0, lat - half), min(90.0, lat + half)
        return self.tree.in_box(south, max(-180.0, lon - half), north, min(180.0, lon + half))


class RoundBox(FlatBox):
    """A quadtree, asked for the smallest box that holds the circle: wider in the north, around the date line."""

    def candidates(self, lat: float, lon: float, radius_m: float) -> Iterable[int]:
        angle = radius_m / EARTH_RADIUS_M
        half = degrees(angle)
        south, north = lat - half, lat + half
        if south <= -90 or north >= 90 or angle >= pi / 2:
            return self.tree.in_box(max(-90.0, south), -180.0, min(90.0, north), 180.0)
        wide = degrees(asin(min(1.0, sin(angle) / cos(radians(lat)))))
        west, east = lon - wide, lon + wide
        return self.tree.in_box(south, west + 360 * (west < -180), north, east - 360 * (east > 180))
