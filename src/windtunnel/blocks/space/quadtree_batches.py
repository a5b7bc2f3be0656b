"""What both compiled trees do around a batch of queries: places to points, room for results, chords to metres."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from windtunnel.blocks.ground.numbers import floats, whole
from windtunnel.blocks.space.geohash import morton_keys, places
from windtunnel.blocks.space.kernels.sphere import points
from windtunnel.blocks.space.quadtree_sphere import EARTH_RADIUS_M, to_chord_squared

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from windtunnel.blocks.space.geohash import Degrees


def to_metres(squared: NDArray[np.float64]) -> NDArray[np.float64]:
    """Great-circle distances for the squares of chords, in place."""
    np.sqrt(squared, out=squared)
    squared *= 0.5
    np.minimum(squared, 1.0, out=squared)
    np.arcsin(squared, out=squared)
    squared *= 2 * EARTH_RADIUS_M
    return squared


def to_points(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places as points on the unit sphere, a row each."""
    out = np.empty((lat.size, 3))
    points(lat, lon, out)
    return out


def run_within(
    kernel: Callable[..., int], lats: Degrees, lons: Degrees, radii_m: float | Sequence[float] | NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Numbers, distances and offsets; makes more room whenever the kernel stops for want of it."""
    lat, lon = places(lats, lons)
    if hasattr(radii_m, "__len__") and not isinstance(radii_m, str | bytes) and getattr(radii_m, "shape", True):
        radii = floats(radii_m, "Radii")
        if radii.shape != lat.shape:
            raise ValueError(f"There is one radius for all places or one for each, not {radii.shape} for {lat.size}.")
        limits = np.array([to_chord_squared(radius) for radius in radii.tolist()], np.float64)
    else:
        limits = np.full(lat.size, to_chord_squared(cast("float", radii_m)))
    centres = to_points(lat, lon)
    offsets = np.zeros(lat.size + 1, np.int64)
    found, squared = np.empty(1024 + 16 * lat.size, np.int64), np.empty(1024 + 16 * lat.size)
    done = 0
    while (done := kernel(centres, limits, done, offsets, found, squared)) < lat.size:
        found = np.concatenate([found, np.empty_like(found)])
        squared = np.concatenate([squared, np.empty_like(squared)])
    total = int(offsets[-1])
    return found[:total], to_metres(squared[:total]), offsets


def run_boxes(
    kernel: Callable[..., int], souths: Degrees, wests: Degrees, norths: Degrees, easts: Degrees
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers and offsets of what is in boxes; makes more room whenever the kernel stops for want of it."""
    south, west = places(souths, wests)
    north, east = places(norths, easts)
    if south.size != north.size:
        raise ValueError(f"There is one north-east for each south-west, not {north.size} for {south.size}.")
    # 180 is -180: a box that ends there reaches across the date line by nothing, one that begins there begins here.
    east = np.where((east == 180) & (west != -180), -180.0, east)
    west = np.where(west == 180, -180.0, west)
    boxes = np.stack([south, north, west, east], axis=1)
    offsets, found = np.zeros(south.size + 1, np.int64), np.empty(1024 + 16 * south.size, np.int64)
    done = 0
    while (done := kernel(boxes, done, offsets, found)) < south.size:
        found = np.concatenate([found, np.empty_like(found)])
    return found[: int(offsets[-1])], offsets


def run_nearest(
    kernel: Callable[..., Any], lats: Degrees, lons: Degrees, count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Numbers (-1 for none) and distances of the nearest, a row for each place.

    Places near each other are asked one after another, so that a walk down the tree finds it in the processor's cache.
    """
    count = whole(count, "The number of neighbours asked for", 1)
    lat, lon = places(lats, lons)
    order = np.argsort(morton_keys(lat, lon))
    found, squared = np.full((lat.size, count), -1), np.full((lat.size, count), np.inf)
    kernel(to_points(lat[order], lon[order]), found, squared)
    numbers, distances = np.empty_like(found), np.empty_like(squared)
    numbers[order], distances[order] = found, to_metres(squared)
    distances[numbers < 0] = np.inf
    return numbers, distances
