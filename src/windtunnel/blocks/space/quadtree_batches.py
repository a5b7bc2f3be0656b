"""What both compiled trees do around a batch of queries: places to points, room for results, chords to metres."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

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
    radii = np.broadcast_to(np.asarray(radii_m, np.float64), lat.shape)
    if np.isscalar(radii_m):
        limits = np.full(lat.size, to_chord_squared(float(radii_m)))  # type: ignore[arg-type]  # a scalar is a float
    else:
        limits = np.array([to_chord_squared(radius) for radius in radii.tolist()], np.float64)
    centres = to_points(lat, lon)
    offsets = np.zeros(lat.size + 1, np.int64)
    found, squared = np.empty(1024 + 16 * lat.size, np.int64), np.empty(1024 + 16 * lat.size)
    done = 0
    while (done := kernel(centres, limits, done, offsets, found, squared)) < lat.size:
        found = np.concatenate([found, np.empty_like(found)])
        squared = np.concatenate([squared, np.empty_like(squared)])
    total = int(offsets[-1])
    return found[:total], to_metres(squared[:total]), offsets


def run_nearest(
    kernel: Callable[..., Any], lats: Degrees, lons: Degrees, count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Numbers (-1 for none) and distances of the nearest, a row for each place.

    Places near each other are asked one after another, so that a walk down the tree finds it in the processor's cache.
    """
    if count < 1:
        raise ValueError(f"One asks for at least 1 neighbour, not {count}.")
    lat, lon = places(lats, lons)
    order = np.argsort(morton_keys(lat, lon))
    found, squared = np.full((lat.size, count), -1), np.full((lat.size, count), np.inf)
    kernel(to_points(lat[order], lon[order]), found, squared)
    numbers, distances = np.empty_like(found), np.empty_like(squared)
    numbers[order], distances[order] = found, to_metres(squared)
    distances[numbers < 0] = np.inf
    return numbers, distances
