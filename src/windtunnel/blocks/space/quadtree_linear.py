"""A linear quadtree: for points that stay where they are, one sort instead of a tree of insertions.

The idea (I. Gargantini, "An effective way to represent quadtrees", CACM 1982). Write each place as its Morton key
(`geohash`) and sort. Now every cell of the map, at every depth, is a run of neighbours in one array: the tree is
already there, and its nodes are found by comparing bits. A sort by digits takes a time that grows with N alone, and
what a query reads lies together in memory.

`PlainQuadtree` in `quadtree` answers the same questions in plain Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import whole
from windtunnel.blocks.space.quadtree_plain import Near

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from windtunnel.blocks.space.geohash import Degrees


class LinearQuadtree(Block):
    """Points numbered 0, 1, 2, ... as they are given, which do not change. Safe to share between threads."""

    KIND, VERSION = "linear quadtree", 1

    def __init__(self, lats: Degrees, lons: Degrees) -> None:
        """Raises `ValueError` for what is not on the map."""
        from windtunnel.blocks.space.geohash import places
        from windtunnel.blocks.space.kernels import quadtree_linear

        self._tree = quadtree_linear.build(*places(lats, lons))

    def _told(self) -> dict[str, object]:
        return {"points": len(self)}

    def __len__(self) -> int:
        return int(self._tree.number.size)

    def within(self, lat: float, lon: float, radius_m: float) -> list[Near[int]]:
        """All points within the radius, nearest first."""
        numbers, distances_m, _ = self.within_many([lat], [lon], radius_m)
        return sorted(map(Near, numbers.tolist(), distances_m.tolist()), key=lambda near: near.distance_m)

    def within_many(
        self, lats: Degrees, lons: Degrees, radii_m: float | Sequence[float] | NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """For each place all points within its radius (one for all, or one each), in no order.

        Returns points, distances in metres, and offsets: what is near place `i` is at `offsets[i]:offsets[i + 1]`.
        """
        from windtunnel.blocks.space.kernels import quadtree_linear
        from windtunnel.blocks.space.quadtree_batches import run_within

        return run_within(lambda *query: quadtree_linear.within_many(self._tree, *query), lats, lons, radii_m)

    def nearest(self, lat: float, lon: float, count: int) -> list[Near[int]]:
        """The `count` points nearest to the place (fewer if there are fewer), nearest first."""
        asked = min(whole(count, "The number of neighbours asked for", 1), max(1, len(self)))
        numbers, distances_m = self.nearest_many([lat], [lon], asked)
        return list(map(Near, numbers[0, : len(self)].tolist(), distances_m[0, : len(self)].tolist()))

    def nearest_many(self, lats: Degrees, lons: Degrees, count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """For each place the `count` nearest points and their distances in metres, a row each, nearest first.

        If there are fewer points, rows end with point -1 at distance infinity.
        """
        from windtunnel.blocks.space.kernels import quadtree_linear
        from windtunnel.blocks.space.quadtree_batches import run_nearest

        return run_nearest(lambda *query: quadtree_linear.nearest_many(self._tree, *query), lats, lons, count)

    def in_boxes(
        self, souths: Degrees, wests: Degrees, norths: Degrees, easts: Degrees
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each box of the map, edges included, its points, in no order; `west > east` crosses the date line.

        180 and -180 are the same meridian, and a pole has all longitudes.
        Returns points and offsets: what is in box `i` is at `offsets[i]:offsets[i + 1]`.
        """
        from windtunnel.blocks.space.kernels import quadtree_linear
        from windtunnel.blocks.space.quadtree_batches import run_boxes

        return run_boxes(lambda *query: quadtree_linear.in_boxes(self._tree, *query), souths, wests, norths, easts)

    def in_box(self, south: float, west: float, north: float, east: float) -> list[int]:
        """All points in one box of the map."""
        numbers, _ = self.in_boxes([south], [west], [north], [east])
        found: list[int] = numbers.tolist()
        return found

    def to_bytes(self) -> bytes:
        """All places in their order, with version and checksum."""
        import numpy as np

        from windtunnel.blocks.ground.array_file import seal_arrays

        order = np.argsort(self._tree.number)
        return seal_arrays(self.KIND, self.VERSION, {}, {"lat": self._tree.lat[order], "lon": self._tree.lon[order]})

    @classmethod
    def from_bytes(cls, blob: bytes | bytearray | memoryview) -> Self:
        """The tree that was stored, built anew; raises `DamagedError` for anything else."""
        from windtunnel.blocks.ground.array_file import unseal_arrays

        _, arrays = unseal_arrays(cls.KIND, cls.VERSION, blob)
        return cls(arrays["lat"], arrays["lon"])
