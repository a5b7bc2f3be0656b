"""The quadtree for things that move, in compiled kernels: `quadtree_plain` has the idea and the text to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from windtunnel.blocks.ground.block import Guarded, alone
from windtunnel.blocks.ground.numbers import plain_array, whole
from windtunnel.blocks.space.quadtree_plain import Near

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from windtunnel.blocks.space.geohash import Degrees

    Ids = Sequence[int] | NDArray[np.int64]

_SORTED_FROM = 4096


class Quadtree(Guarded):
    """Things with numbers for names (64 bits with sign) and places that move, in compiled kernels, for batches.

    `..._many` take NumPy arrays or lists. Threads may share one: calls exclude each other. No method awaits.
    """

    KIND, VERSION = "quadtree", 1

    def __init__(self) -> None:
        import numpy as np

        from windtunnel.blocks.ground.kernels import int_map
        from windtunnel.blocks.space.kernels import quadtree

        self._tree = quadtree.empty_tree()
        self._things = quadtree.no_things(16)
        self._names = np.zeros(16, np.int64)
        self._table = int_map.empty_table(16)
        self._free = np.zeros(16, np.int64)
        self._next_and_free = np.zeros(2, np.int64)

    def __len__(self) -> int:
        return int(self._next_and_free[0] - self._next_and_free[1])

    def _told(self) -> dict[str, object]:
        return {"things": len(self)}

    @alone
    def __contains__(self, thing: int) -> bool:
        return int(self._find([thing])[0]) >= 0

    def put(self, thing: int, lat: float, lon: float) -> bool:
        """Put the thing there, or move it there; True if it is new. `ValueError` for what is not on the map."""
        return self.put_many([thing], [lat], [lon]) == 1

    @alone
    def put_many(self, things: Ids, lats: Degrees, lons: Degrees) -> int:
        """Put or move many things, in order; returns how many are new. With one place off the map nothing is done."""
        import numpy as np

        from windtunnel.blocks.ground.kernels import int_map
        from windtunnel.blocks.space.geohash import morton_keys, places
        from windtunnel.blocks.space.kernels import quadtree

        lat, lon = places(lats, lons)
        names = _names(things)
        if names.size != lat.size:
            raise ValueError(f"There is one place for each thing, not {lat.size} for {names.size}.")
        had = len(self)
        most = int(self._next_and_free[0]) + names.size
        if most > self._names.size:
            self._make_room(max(most, 2 * self._names.size))
        # Near places one after another: each then finds the cells of the last one in the processor's cache. If a
        # thing comes twice its order counts, and is kept.
        order = np.argsort(morton_keys(lat, lon)) if names.size >= _SORTED_FROM else np.arange(names.size)
        numbers = np.empty(names.size, np.int64)
        int_map.intern_many(self._table, names[order], numbers, self._free, self._next_and_free)
        self._names[numbers] = names[order]
        if np.count_nonzero(np.bincount(numbers)) == numbers.size:
            lat, lon = lat[order], lon[order]
        else:
            numbers[order] = numbers.copy()
        done = 0
        while (done := quadtree.put_many(self._tree, self._things, numbers, lat, lon, done)) < numbers.size:
            self._tree = quadtree.grown(self._tree, len(self))
        return len(self) - had

    @alone
    def place(self, thing: int) -> tuple[float, float] | None:
        """Latitude and longitude of the thing, or None."""
        number = int(self._find([thing])[0])
        return None if number < 0 else (float(self._things.lat[number]), float(self._things.lon[number]))

    def remove(self, thing: int) -> bool:
        """Take the thing out; True if it was there."""
        return self.remove_many([thing]) == 1

    @alone
    def remove_many(self, things: Ids) -> int:
        """Take many things out; returns how many were there."""
        from windtunnel.blocks.ground.kernels import int_map
        from windtunnel.blocks.space.kernels import quadtree

        removed = int(quadtree.remove_many(self._tree, self._things, self._find(things)))
        int_map.release_many(self._table, _names(things), self._things.lat, self._free, self._next_and_free)
        return removed

    def within(self, lat: float, lon: float, radius_m: float) -> list[Near[int]]:
        """All things within the radius, nearest first."""
        names, distances_m, _ = self.within_many([lat], [lon], radius_m)
        return sorted(map(Near, names.tolist(), distances_m.tolist()), key=lambda near: near.distance_m)

    @alone
    def within_many(
        self, lats: Degrees, lons: Degrees, radii_m: float | Sequence[float] | NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """For each place all things within its radius (one for all, or one each), in no order.

        Returns things, distances in metres, and offsets: what is near place `i` is at `offsets[i]:offsets[i + 1]`.
        """
        from windtunnel.blocks.space.kernels import quadtree
        from windtunnel.blocks.space.quadtree_batches import run_within

        numbers, distances_m, offsets = run_within(
            lambda *query: quadtree.within_many(self._tree, *query), lats, lons, radii_m
        )
        return self._names[numbers], distances_m, offsets

    @alone
    def nearest(self, lat: float, lon: float, count: int) -> list[Near[int]]:
        """The `count` things nearest to the place (fewer if there are fewer), nearest first."""
        held = len(self)
        asked = min(whole(count, "The number of neighbours asked for", 1), max(1, held))
        names, distances_m = self.nearest_many([lat], [lon], asked)
        return list(map(Near, names[0, :held].tolist(), distances_m[0, :held].tolist()))

    @alone
    def nearest_many(self, lats: Degrees, lons: Degrees, count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """For each place the `count` nearest things and their distances in metres, a row each, nearest first.

        If there are fewer things, rows end with thing -1 at distance infinity.
        """
        import numpy as np

        from windtunnel.blocks.space.kernels import quadtree
        from windtunnel.blocks.space.quadtree_batches import run_nearest

        numbers, distances_m = run_nearest(lambda *query: quadtree.nearest_many(self._tree, *query), lats, lons, count)
        return np.where(numbers < 0, -1, self._names[numbers]), distances_m

    @alone
    def in_boxes(
        self, souths: Degrees, wests: Degrees, norths: Degrees, easts: Degrees
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each box of the map, edges included, the things in it, in no order; `west > east` crosses the date line.

        180 and -180 are the same meridian, and a pole has all longitudes.
        Returns things and offsets: what is in box `i` is at `offsets[i]:offsets[i + 1]`.
        """
        from windtunnel.blocks.space.kernels import quadtree
        from windtunnel.blocks.space.quadtree_batches import run_boxes

        numbers, offsets = run_boxes(
            lambda *query: quadtree.in_boxes(self._tree, self._things, *query), souths, wests, norths, easts
        )
        return self._names[numbers], offsets

    def in_box(self, south: float, west: float, north: float, east: float) -> list[int]:
        """All things in one box of the map."""
        names, _ = self.in_boxes([south], [west], [north], [east])
        found: list[int] = names.tolist()
        return found

    @alone
    def things(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """All things, ascending, and their latitudes and longitudes."""
        import numpy as np

        numbers = np.flatnonzero(~np.isnan(self._things.lat))
        numbers = numbers[np.argsort(self._names[numbers])]
        return self._names[numbers], self._things.lat[numbers], self._things.lon[numbers]

    def to_bytes(self) -> bytes:
        """Things and places, with version and checksum; the same things at the same places give the same bytes."""
        from windtunnel.blocks.ground.array_file import seal_arrays

        names, lat, lon = self.things()
        return seal_arrays(self.KIND, self.VERSION, {}, {"thing": names, "lat": lat, "lon": lon})

    @classmethod
    def from_bytes(cls, blob: bytes | bytearray | memoryview) -> Self:
        """The tree that was stored; raises `DamagedError` for anything else."""
        from windtunnel.blocks.ground.array_file import unseal_arrays

        _, arrays = unseal_arrays(cls.KIND, cls.VERSION, blob)
        made = cls()
        made.put_many(arrays["thing"], arrays["lat"], arrays["lon"])
        return made

    def _find(self, things: Ids) -> NDArray[np.int64]:
        import numpy as np

        from windtunnel.blocks.ground.kernels import int_map

        names = _names(things)
        numbers = np.empty(names.size, np.int64)
        int_map.find_many(self._table, names, numbers)
        return numbers

    def _make_room(self, numbers: int) -> None:
        import numpy as np

        from windtunnel.blocks.ground.kernels import int_map
        from windtunnel.blocks.space.kernels import quadtree

        room = quadtree.no_things(numbers)
        for old, new in zip(self._things, room, strict=True):
            new[: old.size] = old
        self._things = room
        self._names = np.concatenate([self._names, np.zeros(numbers - self._names.size, np.int64)])
        self._free = np.concatenate([self._free, np.zeros(numbers - self._free.size, np.int64)])
        larger = int_map.empty_table(numbers)
        int_map.rehash(self._table, larger)
        self._table = larger


def _names(things: Ids) -> NDArray[np.int64]:
    import numpy as np

    given = plain_array(things, "Things")
    if given.size == 0:
        return np.zeros(0, np.int64)
    if given.ndim != 1 or given.dtype.kind not in "iu" or given.max() >= 2**63:
        raise ValueError(
            f"Things are integers of 64 bits with sign, not a {given.ndim}-dimensional array of {given.dtype}."
        )
    return np.require(given, np.int64, ["C", "W"])
