"""The geometry that the tree and the geohash share: places on a sphere, and boxes around cells of the map.

Latitude and longitude are poor coordinates for distances: a degree of longitude shrinks towards the poles, and at the
date line neighbours differ by 360. So places become **points in space** on the unit sphere, where the straight chord
between two of them grows with the great-circle distance: `distance = 2 R asin(chord / 2)`. A cell of the map is put
into an axis-parallel **box in space**; no point of the cell is nearer than the box. With that, poles and date line need
no special case anywhere.

Distances are exact to a few nanometres for near places, and to a decimetre for places on opposite sides of the Earth,
where the chord hardly changes.
"""

from __future__ import annotations

from math import asin, atan2, cos, degrees, inf, pi, radians, sin, sqrt

from windtunnel.blocks.ground.numbers import number

EARTH_RADIUS_M = 6_371_008.8  # mean radius of the GRS80 ellipsoid
SLACK = 1e-15  # sines and cosines are off by less than this

Point = tuple[float, float, float]
Box = tuple[float, float, float, float, float, float]
"""Lower and upper x, y, z."""


def checked_place(lat: float, lon: float) -> tuple[float, float]:
    """The place as plain numbers. Raises `ValueError` for what is not on the map."""
    plain = number(lat, "A latitude"), number(lon, "A longitude")
    if not (-90 <= plain[0] <= 90 and -180 <= plain[1] <= 180):
        raise ValueError(
            f"A latitude lies between -90 and 90 degrees, a longitude between -180 and 180, not {lat}, {lon}."
        )
    return plain


def to_point(lat: float, lon: float) -> Point:
    """The place as a point on the unit sphere."""
    phi, lam = radians(lat), radians(lon)
    return cos(phi) * cos(lam), cos(phi) * sin(lam), sin(phi)


def chord_squared(a: Point, b: Point) -> float:
    """The square of the straight distance between two points of the unit sphere."""
    return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2


def to_metres(squared: float) -> float:
    """Great-circle distance for the square of a chord."""
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(squared) / 2))


def to_chord_squared(distance_m: float) -> float:
    """The square of the chord for a great-circle distance; everything is within half the circumference.

    It errs to the far side, by a few nanometres: what is said to be at a distance is within that distance.
    """
    angle = checked_radius(distance_m) / EARTH_RADIUS_M
    return inf if angle >= pi else (2 * sin(angle / 2) * (1 + 4 * SLACK) + SLACK) ** 2


def checked_radius(radius_m: float) -> float:
    """A radius as a plain number; raises `ValueError` for what is none."""
    plain = number(radius_m, "A radius", finite=False)
    if plain < 0:
        raise ValueError(f"A radius is 0 m or more, not {radius_m}.")
    return plain


def in_span(lon: float, west: float, east: float) -> bool:
    """Whether a longitude lies from `west` to `east`, both included; with `west > east` across the date line.

    180 and -180 are the same meridian.
    """
    if west > east:
        return lon >= west or lon <= east
    return west <= lon <= east or (abs(lon) == 180 and (west == -180 or east == 180))


def distance_m(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """The great-circle distance between two places. Raises `ValueError` for what is not on the map."""
    (lat, lon), (other_lat, other_lon) = checked_place(lat, lon), checked_place(other_lat, other_lon)
    return to_metres(chord_squared(to_point(lat, lon), to_point(other_lat, other_lon)))


def cell_box(south: float, west: float, north: float, east: float) -> Box:
    """A box in space that holds a cell of the map (which does not reach across the date line)."""
    least, most = _range(cos(radians(south)), cos(radians(north)), top=south <= 0 <= north)
    x = _range(cos(radians(west)), cos(radians(east)), top=west <= 0 <= east)
    y = _range(sin(radians(west)), sin(radians(east)), top=west <= 90 <= east, bottom=west <= -90 <= east)
    return (
        x[0] * (most if x[0] < 0 else least) - SLACK,
        x[1] * (most if x[1] > 0 else least) + SLACK,
        y[0] * (most if y[0] < 0 else least) - SLACK,
        y[1] * (most if y[1] > 0 else least) + SLACK,
        sin(radians(south)) - SLACK,
        sin(radians(north)) + SLACK,
    )


def _range(a: float, b: float, *, top: bool, bottom: bool = False) -> tuple[float, float]:
    """The range of a sine or cosine on an interval: from its ends, and whether it reaches 1 or -1 between them."""
    return -1.0 if bottom else min(a, b), 1.0 if top else max(a, b)


def box_chord_squared(point: Point, box: Box) -> float:
    """The square of the distance from a point to a box; 0 inside."""
    total = 0.0
    for at, low, high in zip(point, box[::2], box[1::2], strict=True):
        gap = max(low - at, 0.0, at - high)
        total += gap * gap
    return total


def distance_to_box_m(lat: float, lon: float, south: float, west: float, north: float, east: float) -> float:
    """The exact great-circle distance from a place to a cell of the map; 0 inside."""
    if west <= lon <= east:
        return EARTH_RADIUS_M * radians(max(south - lat, 0.0, lat - north))
    best = inf
    for edge in (west, east):
        # The nearest point of the whole meridian circle, if the edge reaches it, else an end of the edge.
        turn = radians(lon - edge)
        foot = degrees(atan2(sin(radians(lat)), cos(radians(lat)) * cos(turn)))  # beyond 90: behind a pole
        candidates = [south, north, *([foot] if south <= foot <= north else [])]
        best = min(best, *(distance_m(lat, lon, at, edge) for at in candidates))
    return best
