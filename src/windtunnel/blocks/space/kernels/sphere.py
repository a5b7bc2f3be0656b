"""The geometry of `windtunnel.blocks.space.quadtree_sphere` for kernels."""

from __future__ import annotations

from math import cos, pi, sin
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from windtunnel.blocks.space.kernels.geohash import gather
from windtunnel.blocks.space.quadtree_sphere import SLACK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RADIAN = pi / 180


@njit(cache=True)
def points(lat: Floats, lon: Floats, out: Floats) -> None:
    """Write each place as a point on the unit sphere to its row of `out`."""
    for i in range(lat.size):
        phi, lam = lat[i] * RADIAN, lon[i] * RADIAN
        out[i, 0] = cos(phi) * cos(lam)
        out[i, 1] = cos(phi) * sin(lam)
        out[i, 2] = sin(phi)


@njit(cache=True)
def cell_box(prefix: np.uint64, depth: int, box: Floats) -> None:
    """Write the box in space around the cell whose key begins with these `2 * depth` bits."""
    height, width = pi / 2.0**depth, 2 * pi / 2.0**depth
    south = np.float64(gather(prefix)) * height - pi / 2
    west = np.float64(gather(prefix >> np.uint64(1))) * width - pi
    north, east = south + height, west + width
    least, most = min(cos(south), cos(north)), max(cos(south), cos(north))
    x0, x1 = min(cos(west), cos(east)), max(cos(west), cos(east))
    y0, y1 = min(sin(west), sin(east)), max(sin(west), sin(east))
    if depth == 0:  # the cells below have the equator, 0, 90 and 180 degrees on their edges, if at all
        most, x1, y0, y1 = 1.0, 1.0, -1.0, 1.0
    if depth == 1:
        y0, y1 = (-1.0, 0.0) if west < 0 else (0.0, 1.0)
    box[0] = x0 * (most if x0 < 0 else least) - SLACK
    box[1] = x1 * (most if x1 > 0 else least) + SLACK
    box[2] = y0 * (most if y0 < 0 else least) - SLACK
    box[3] = y1 * (most if y1 > 0 else least) + SLACK
    box[4] = sin(south) - SLACK
    box[5] = sin(north) + SLACK


@njit(cache=True, inline="always")
def box_chord_squared(x: float, y: float, z: float, boxes: Floats, i: int) -> float:
    """The square of the distance from a point to the box in row `i`; 0 inside."""
    dx = max(boxes[i, 0] - x, 0.0, x - boxes[i, 1])
    dy = max(boxes[i, 2] - y, 0.0, y - boxes[i, 3])
    dz = max(boxes[i, 4] - z, 0.0, z - boxes[i, 5])
    return float(dx * dx + dy * dy + dz * dz)


@njit(cache=True)
def box_meets(
    south: float, north: float, west: float, east: float, low: float, high: float, left: float, right: float
) -> bool:
    """Whether what lies between latitudes `low` and `high` and longitudes `left` and `right` may be in a box.

    `west > east` reaches across the date line. Boxes do not end at 180 degrees unless they go all around.
    """
    if low > north or high < south:
        return False
    if (high == 90 and north == 90) or (low == -90 and south == -90):
        return True
    if west > east:
        return left <= east or right >= west
    return (left <= east and right >= west) or (right == 180 and west == -180)


@njit(cache=True)
def box_holds(south: float, north: float, west: float, east: float, lat: float, lon: float) -> bool:
    """Whether a place is in a box, edges included: a pole has all longitudes, and 180 degrees are -180."""
    if not south <= lat <= north:
        return False
    if lat == 90 or lat == -90:
        return True
    if west > east:
        return lon >= west or lon <= east
    return west <= lon <= east or (lon == 180 and west == -180)


@njit(cache=True, inline="always")
def keep_nearest(squared: float, thing: int, held: int, best: Floats, things: NDArray[np.int64]) -> int:
    """Put a candidate in its place among the `held` nearest, ascending in `best`; returns how many are held."""
    if held == best.size:
        if squared >= best[held - 1]:
            return held
        held -= 1
    at = held
    while at > 0 and best[at - 1] > squared:
        best[at], things[at] = best[at - 1], things[at - 1]
        at -= 1
    best[at], things[at] = squared, thing
    return held + 1


@njit(cache=True, inline="always")
def slip_in(cell: int, bound: float, stack: NDArray[np.int64], bounds: Floats, start: int, top: int) -> None:
    """Put a cell among those that wait on the stack from `start` to `top`, so that the nearest lies uppermost."""
    at = top
    while at > start and bounds[at - 1] < bound:
        stack[at], bounds[at] = stack[at - 1], bounds[at - 1]
        at -= 1
    stack[at], bounds[at] = cell, bound


def warm() -> None:
    """Compile every kernel for the types it is used with."""
    points(np.zeros(1), np.zeros(1), np.empty((1, 3)))
    cell_box(np.uint64(0), 1, np.empty(6))
