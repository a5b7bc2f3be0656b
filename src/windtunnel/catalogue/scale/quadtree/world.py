"""Drivers in some cities around a place anywhere on the globe, or in those that there are."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from math import asin, atan2, cos, degrees, pi, radians, sin
from random import Random

from windtunnel.blocks.space import EARTH_RADIUS_M

Place = tuple[float, float]


@cache
def real_cities() -> tuple[Place, ...]:
    """The populated places of Natural Earth: where they come from is said in `natural_earth.txt`."""
    lines = files(__package__).joinpath("natural_earth.txt").read_text("utf-8").splitlines()
    both = [line.split() for line in lines if not line.startswith("#")]
    return tuple((int(lat) / 100, int(lon) / 100) for lat, lon in both)


def moved(place: Place, metres: float, bearing: float) -> Place:
    """Where one comes to from a place in degrees, by a great circle in this direction (radians from the north)."""
    lat, lon, angle = radians(place[0]), radians(place[1]), metres / EARTH_RADIUS_M
    there = asin(max(-1.0, min(1.0, sin(lat) * cos(angle) + cos(lat) * sin(angle) * cos(bearing))))
    turned = lon + atan2(sin(bearing) * sin(angle) * cos(lat), cos(angle) - sin(lat) * sin(there))
    return degrees(there), (degrees(turned) + 540) % 360 - 180


def somewhere(place: Place, spread_m: float, luck: Random) -> Place:
    """A place around it: so far away as a normal distance is, in any direction."""
    return moved(place, abs(luck.gauss(0, spread_m)) + 1e-3, 2 * pi * luck.random())
