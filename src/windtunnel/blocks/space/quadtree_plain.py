"""A quadtree over the map for things that move: who is near, who are the nearest ten?

The idea (Finkel and Bentley, "Quad trees: a data structure for retrieval on composite keys", 1974; this form, where
cells are halved and points live in the leaves, is the PR quadtree of Samet's "The design and analysis of spatial data
structures"). A cell of the map holds its points itself as long as they are few; when they are too many it splits into
four quarters. So cells are small where it is crowded, which a fixed grid cannot be. A point that moves mostly stays in
its leaf; else it climbs to the first cell that holds the new place and goes down again from there. When points leave,
four quarters that together hold few become one cell again.

A query walks down from the whole map and leaves out every cell that is too far away, or farther than the best found so
far. How far a cell is, is measured in space and not on the map (`quadtree_sphere`), so the poles and the date line are
places like any other.

`PlainQuadtree` is the text to read. `quadtree.Quadtree` says the same in compiled kernels and takes batches;
`LinearQuadtree` in `quadtree_linear` is for points that do not move, and faster.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import whole
from windtunnel.blocks.space.quadtree_sphere import (
    Box,
    Point,
    box_chord_squared,
    cell_box,
    checked_place,
    chord_squared,
    in_span,
    to_chord_squared,
    to_metres,
    to_point,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ids = Sequence[int] | NDArray[np.int64]

ThingT = TypeVar("ThingT", bound=Hashable)

LEAF_POINTS = 16
MAX_DEPTH = 26  # cells of about 0.3 m by 0.6 m at the equator: below, a leaf takes any number


class Near(NamedTuple, Generic[ThingT]):
    """A thing that a query found, and its great-circle distance."""

    thing: ThingT
    distance_m: float


class _Cell(Generic[ThingT]):
    """A leaf holds points; an inner cell has four quarters: south-west, south-east, north-west, north-east."""

    __slots__ = ("bounds", "box", "count", "parent", "points", "quarters")

    def __init__(self, bounds: tuple[float, float, float, float], parent: _Cell[ThingT] | None) -> None:
        self.bounds = bounds
        self.box: Box = cell_box(*bounds)
        self.parent = parent
        self.count = 0
        self.points: dict[ThingT, Point] | None = {}
        self.quarters: list[_Cell[ThingT]] = []

    def holds(self, lat: float, lon: float) -> bool:
        """Whether the place is in the cell: its southern and western edge are, the others not, but at the map's rim."""
        south, west, north, east = self.bounds
        return south <= lat and west <= lon and (lat < north or north == 90) and (lon < east or east == 180)

    def quarter(self, lat: float, lon: float) -> _Cell[ThingT]:
        south, west, north, east = self.bounds
        return self.quarters[2 * (lat >= (south + north) / 2) + (lon >= (west + east) / 2)]


def _meets(left: float, right: float, west: float, east: float) -> bool:
    """Whether a cell's longitudes and a box's have one in common."""
    if in_span(west, left, right) or in_span(east, left, right):
        return True
    return in_span(left, west, east) or in_span(right, west, east)


class PlainQuadtree(Block, Generic[ThingT]):
    """Things with places, in plain Python. Equal distances are in no particular order.

    Not safe to share between threads. No method awaits.

    >>> taxis = PlainQuadtree[str]()
    >>> taxis.put("ann", 0.0, 179.999), taxis.put("bob", 0.0, -179.999), taxis.put("ann", 0.0, -179.9)
    (True, True, False)
    >>> [near.thing for near in taxis.nearest(0.0, 180.0, 2)], round(taxis.within(0.0, 180.0, 500)[0].distance_m)
    (['bob', 'ann'], 111)
    """

    def __init__(self, leaf_points: int = LEAF_POINTS) -> None:
        self._leaf_points = whole(leaf_points, "The number of points of a leaf", 1)
        self._root: _Cell[ThingT] = _Cell((-90.0, -180.0, 90.0, 180.0), None)
        self._leaf_of: dict[ThingT, _Cell[ThingT]] = {}
        self._places: dict[ThingT, tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, thing: object) -> bool:
        return thing in self._places

    def __iter__(self) -> Iterator[ThingT]:
        return iter(list(self._places))

    def _told(self) -> dict[str, object]:
        return {"things": len(self)}

    def place(self, thing: ThingT) -> tuple[float, float] | None:
        """Latitude and longitude of the thing, or None."""
        return self._places.get(thing)

    def put(self, thing: ThingT, lat: float, lon: float) -> bool:
        """Put the thing there, or move it there; True if it is new. `ValueError` for what is not on the map."""
        lat, lon = checked_place(lat, lon)
        new = thing not in self._places
        cell = self._root if new else self._leave(thing, lat, lon)
        while cell.points is None:
            cell.count += 1
            cell = cell.quarter(lat, lon)
        cell.count += 1
        cell.points[thing] = to_point(lat, lon)
        self._places[thing] = (lat, lon)
        self._leaf_of[thing] = cell
        self._split(cell)
        return new

    def remove(self, thing: ThingT) -> bool:
        """Take the thing out; True if it was there."""
        leaf = self._leaf_of.pop(thing, None)
        if leaf is None:
            return False
        del self._places[thing]
        assert leaf.points is not None
        del leaf.points[thing]
        cell: _Cell[ThingT] | None = leaf
        while cell is not None:
            cell.count -= 1
            self._merge(cell)
            cell = cell.parent
        return True

    def within(self, lat: float, lon: float, radius_m: float) -> list[Near[ThingT]]:
        """All things within the radius, nearest first."""
        lat, lon = checked_place(lat, lon)
        centre, limit = to_point(lat, lon), to_chord_squared(radius_m)
        found: list[Near[ThingT]] = []
        todo = [self._root]
        while todo:
            cell = todo.pop()
            if not cell.count or box_chord_squared(centre, cell.box) > limit:
                continue
            todo += cell.quarters
            for thing, point in (cell.points or {}).items():
                squared = chord_squared(centre, point)
                if squared <= limit:
                    found.append(Near(thing, to_metres(squared)))
        return sorted(found, key=lambda near: near.distance_m)

    def nearest(self, lat: float, lon: float, count: int) -> list[Near[ThingT]]:
        """The `count` things nearest to the place (fewer if there are fewer), nearest first.

        Cells wait in a heap by their distance: once the nearest cell is farther than the last of the best, all is done.
        """
        lat, lon = checked_place(lat, lon)
        count = whole(count, "The number of neighbours asked for", 1)
        centre = to_point(lat, lon)
        best: list[tuple[float, int, ThingT]] = []  # a heap with the farthest on top; the numbers tell equals apart
        todo: list[tuple[float, int, _Cell[ThingT]]] = [(0.0, 0, self._root)]
        number = 0
        while todo:
            nearest, _, cell = heapq.heappop(todo)
            if len(best) == count and nearest > -best[0][0]:
                break
            for quarter in cell.quarters:
                if quarter.count:
                    number += 1
                    heapq.heappush(todo, (box_chord_squared(centre, quarter.box), number, quarter))
            for thing, point in (cell.points or {}).items():
                number += 1
                squared = chord_squared(centre, point)
                if len(best) < count:
                    heapq.heappush(best, (-squared, number, thing))
                elif squared < -best[0][0]:
                    heapq.heapreplace(best, (-squared, number, thing))
        return [Near(thing, to_metres(-squared)) for squared, _, thing in sorted(best, reverse=True)]

    def in_box(self, south: float, west: float, north: float, east: float) -> list[ThingT]:
        """All things in a box of the map, edges included, in no order; with `west > east` across the date line.

        180 and -180 are the same meridian, and a pole has all longitudes.
        """
        south, west = checked_place(south, west)
        north, east = checked_place(north, east)
        found: list[ThingT] = []
        todo = [self._root]
        while todo:
            cell = todo.pop()
            low, left, high, right = cell.bounds
            if low > north or high < south:
                continue
            at_pole = (high == 90 and north == 90) or (low == -90 and south == -90)
            if not (at_pole or _meets(left, right, west, east)):
                continue
            todo += cell.quarters
            for thing in cell.points or {}:
                lat, lon = self._places[thing]
                if south <= lat <= north and (abs(lat) == 90 or in_span(lon, west, east)):
                    found.append(thing)
        return found

    def cells(self) -> Iterator[tuple[tuple[float, float, float, float], int]]:
        """Every leaf: south, west, north, east, and how many points it holds. For drawing, and for counting cells."""
        todo = [self._root]
        while todo:
            cell = todo.pop()
            todo += cell.quarters
            if cell.points is not None:
                yield cell.bounds, cell.count

    def _leave(self, thing: ThingT, lat: float, lon: float) -> _Cell[ThingT]:
        """Take a moving thing out of all cells that do not hold its new place; returns the first that does.

        Its count is one less: the thing is to be put into it again.
        """
        cell = self._leaf_of[thing]
        assert cell.points is not None
        del cell.points[thing]
        cell.count -= 1
        while not cell.holds(lat, lon):
            assert cell.parent is not None  # the whole map holds every place
            cell = cell.parent
            cell.count -= 1
            self._merge(cell)
        return cell

    def _split(self, cell: _Cell[ThingT]) -> None:
        depth = 0
        above = cell.parent
        while above is not None:
            depth, above = depth + 1, above.parent
        while cell.points is not None and cell.count > self._leaf_points and depth < MAX_DEPTH:
            south, west, north, east = cell.bounds
            lat, lon = (south + north) / 2, (west + east) / 2
            cell.quarters = [
                _Cell(bounds, cell)
                for bounds in (
                    (south, west, lat, lon),
                    (south, lon, lat, east),
                    (lat, west, north, lon),
                    (lat, lon, north, east),
                )
            ]
            points, cell.points = cell.points, None
            for thing, point in points.items():
                quarter = cell.quarter(*self._places[thing])
                assert quarter.points is not None
                quarter.points[thing] = point
                quarter.count += 1
                self._leaf_of[thing] = quarter
            cell = max(cell.quarters, key=lambda quarter: quarter.count)
            depth += 1

    def _merge(self, cell: _Cell[ThingT]) -> None:
        """Make a cell a leaf again if it holds half of what a leaf may: its quarters are leaves, by this same rule."""
        if cell.points is None and cell.count <= self._leaf_points // 2:
            cell.points = {}
            for quarter in cell.quarters:
                assert quarter.points is not None
                for thing, point in quarter.points.items():
                    cell.points[thing] = point
                    self._leaf_of[thing] = cell
            cell.quarters = []
