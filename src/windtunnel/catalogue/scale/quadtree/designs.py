"""Ways to know where drivers are, and to say which of them may be near."""

from __future__ import annotations

from collections.abc import Iterable
from math import asin, cos, degrees, radians, sin
from typing import Protocol

from windtunnel import Stage
from windtunnel.blocks.space import EARTH_RADIUS_M, PlainQuadtree, encode, neighbours


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def letters(self) -> int: ...


MOST_LETTERS = 7  # unclaimed: circles here are not so small that more would do
"""Of a geohash that is kept."""


def cell_height(letters: int) -> float:
    """Of a geohash's cell, in degrees of latitude: of the bits of a letter every other one halves it."""
    return 180 / 2.0 ** (5 * letters // 2)


def cell_width(letters: int) -> float:
    """In degrees of longitude."""
    return 360 / 2.0 ** ((5 * letters + 1) // 2)


def reach(lat: float, radius_m: float) -> tuple[float, float]:
    """How many degrees a circle goes to the north, and to the east: 180 where a pole is in it."""
    angle = radius_m / EARTH_RADIUS_M
    high = degrees(angle)
    if abs(lat) + high >= 90:
        return high, 180.0
    return high, degrees(asin(min(1.0, sin(angle) / cos(radians(lat)))))


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


class FittedCells(OwnCell):
    """The own cell and the eight around it, of so few letters that none is narrower than the circle."""

    def move(self, driver: int, lat: float, lon: float) -> None:
        before, now = self.cell_of.get(driver), encode(lat, lon, MOST_LETTERS)
        for letters in range(MOST_LETTERS + 1):
            if before is not None:  # unclaimed: who was left in a cell is looked at in vain
                self.cells[before[:letters]].discard(driver)  # unclaimed: the same
            self.cells.setdefault(now[:letters], set()).add(driver)
        self.cell_of[driver] = now  # unclaimed: the same

    def looked_at(self, lat: float, lon: float, radius_m: float) -> Iterable[str]:
        high, wide = reach(lat, radius_m)
        letters = max(n for n in range(MOST_LETTERS + 1) if cell_height(n) >= high and cell_width(n) >= wide)
        own = encode(lat, lon, MOST_LETTERS)[:letters]
        return [own, *neighbours(own)] if letters else [own]


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
        south, north = max(-90.0, lat - half), min(90.0, lat + half)  # unclaimed: nobody is beyond a pole
        return self.tree.in_box(south, max(-180.0, lon - half), north, min(180.0, lon + half))


class RoundBox(FlatBox):
    """A quadtree, asked for the smallest box that holds the circle: wider in the north, around the date line."""

    def candidates(self, lat: float, lon: float, radius_m: float) -> Iterable[int]:
        high, wide = reach(lat, radius_m)
        south, north = max(-90.0, lat - high), min(90.0, lat + high)
        if wide == 180:
            return self.tree.in_box(south, -180.0, north, 180.0)
        west, east = lon - wide, lon + wide
        return self.tree.in_box(south, west + 360 * (west < -180), north, east - 360 * (east > 180))
