"""The linear quadtree (see `blocks.space.quadtree_linear`): sort by Morton key, then read cells off the keys.

In the order of the keys every cell of the map is a run of points. A node is such a run; its children are the runs of
the quarters that hold points (cells with a single such quarter are left out, so a tree of N points has at most 2 N
nodes, and mostly N / 6). Each node has the tight box around its points, in space and on the map.
"""

from __future__ import annotations

from math import cos, sin
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from windtunnel.blocks.space.kernels.geohash import morton
from windtunnel.blocks.space.kernels.sphere import (
    RADIAN,
    box_chord_squared,
    box_holds,
    box_meets,
    keep_nearest,
    slip_in,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from windtunnel.blocks.ground.kernels.int_map import Int

    Floats = NDArray[np.float64]
    Ids = NDArray[np.int64]
    Keys = NDArray[np.uint64]

LEAF_POINTS = 16
SORTED_BITS = 48  # of the key: cells of 1 to 2 m; below, a leaf takes any number
DIGIT_BITS = 12
STACK = 3 * SORTED_BITS // 2 + 5


class Tree(NamedTuple):
    """Points in the order of their keys, and nodes: run, first child and number of children, boxes."""

    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    point: NDArray[np.float64]
    number: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    child: NDArray[np.int64]
    children: NDArray[np.int64]
    box: NDArray[np.float64]
    map_box: NDArray[np.float64]


@njit(cache=True)
def sort_keys(keys: Keys, numbers: Ids) -> None:
    """Sort by the first `SORTED_BITS` bits, from the lowest digit to the highest; `numbers` are carried along."""
    n = keys.size
    other_keys, other_numbers = np.empty(n, np.uint64), np.empty(n, np.int64)
    mask = np.uint64((1 << DIGIT_BITS) - 1)
    from_keys, from_numbers, to_keys, to_numbers = keys, numbers, other_keys, other_numbers
    for digit in range(SORTED_BITS // DIGIT_BITS):
        shift = np.uint64(64 - SORTED_BITS + digit * DIGIT_BITS)
        places = np.zeros(1 << DIGIT_BITS, np.uint64)
        for key in from_keys:
            places[(key >> shift) & mask] += np.uint64(1)
        total = np.uint64(0)
        for value in range(places.size):
            count = places[value]
            places[value] = total
            total += count
        for i in range(n):
            value = (from_keys[i] >> shift) & mask
            to_keys[places[value]] = from_keys[i]
            to_numbers[places[value]] = from_numbers[i]
            places[value] += np.uint64(1)
        from_keys, to_keys = to_keys, from_keys
        from_numbers, to_numbers = to_numbers, from_numbers


@njit(cache=True)
def find_quarter(keys: Keys, start: Int, stop: Int, shift: np.uint64, quarter: Int) -> Int:
    """The first key of a run whose two bits above `shift` are at least `quarter`; the keys agree above those."""
    while start < stop:
        middle = (start + stop) >> 1
        if np.int64((keys[middle] >> shift) & np.uint64(3)) < quarter:
            start = middle + 1
        else:
            stop = middle
    return start


@njit(cache=True)
def place_points(lat: Floats, lon: Floats, t: Tree, keys: Keys) -> None:
    """Write the keys, sort them, and lay out the points in their order."""
    for i in range(lat.size):
        keys[i], t.number[i] = morton(lat[i], lon[i]), i
    sort_keys(keys, t.number)
    for i in range(lat.size):
        phi, lam = lat[t.number[i]], lon[t.number[i]]
        t.lat[i], t.lon[i] = phi, lam
        phi, lam = phi * RADIAN, lam * RADIAN
        t.point[i, 0], t.point[i, 1], t.point[i, 2] = cos(phi) * cos(lam), cos(phi) * sin(lam), sin(phi)


@njit(cache=True)
def cut_nodes(keys: Keys, t: Tree) -> int:
    """Cut the runs of points into nodes, parents before children; returns how many nodes there are."""
    used = 1
    t.start[0], t.stop[0] = 0, keys.size
    node = 0
    while node < used:
        start, stop = t.start[node], t.stop[node]
        t.child[node], t.children[node] = used, 0
        if stop - start > LEAF_POINTS:
            # The highest bit in which the keys of the run differ says at which depth it falls into quarters.
            differing = (keys[start] ^ keys[stop - 1]) >> np.uint64(64 - SORTED_BITS)
            shift = np.uint64(64 - SORTED_BITS)
            while differing > np.uint64(3):
                differing >>= np.uint64(2)
                shift += np.uint64(2)
            if differing > np.uint64(0):
                for quarter in range(1, 5):
                    end = stop if quarter == 4 else find_quarter(keys, start, stop, shift, quarter)
                    if end > start:
                        t.start[used], t.stop[used] = start, end
                        t.children[node] += 1
                        used += 1
                    start = end
        node += 1
    return used


@njit(cache=True)
def write_boxes(t: Tree, nodes: int) -> None:
    """Write the boxes, children before parents."""
    for node in range(nodes - 1, -1, -1):
        box, flat = t.box[node], t.map_box[node]
        box[0], box[2], box[4], flat[0], flat[2] = np.inf, np.inf, np.inf, np.inf, np.inf
        box[1], box[3], box[5], flat[1], flat[3] = -np.inf, -np.inf, -np.inf, -np.inf, -np.inf
        if t.children[node] == 0:
            for i in range(t.start[node], t.stop[node]):
                for axis in range(3):
                    box[2 * axis] = min(box[2 * axis], t.point[i, axis])
                    box[2 * axis + 1] = max(box[2 * axis + 1], t.point[i, axis])
                flat[0], flat[1] = min(flat[0], t.lat[i]), max(flat[1], t.lat[i])
                flat[2], flat[3] = min(flat[2], t.lon[i]), max(flat[3], t.lon[i])
        for child in range(t.child[node], t.child[node] + t.children[node]):
            for side in range(0, 6, 2):
                box[side] = min(box[side], t.box[child, side])
                box[side + 1] = max(box[side + 1], t.box[child, side + 1])
            for side in range(0, 4, 2):
                flat[side] = min(flat[side], t.map_box[child, side])
                flat[side + 1] = max(flat[side + 1], t.map_box[child, side + 1])


def build(lat: Floats, lon: Floats) -> Tree:
    """The tree over these places."""
    n, most = lat.size, max(1, 2 * lat.size)
    keys = np.empty(n, np.uint64)
    t = Tree(
        lat=np.empty(n),
        lon=np.empty(n),
        point=np.empty((n, 3)),
        number=np.empty(n, np.int64),
        start=np.empty(most, np.int64),
        stop=np.empty(most, np.int64),
        child=np.empty(most, np.int64),
        children=np.empty(most, np.int64),
        box=np.empty((most, 6)),
        map_box=np.empty((most, 4)),
    )
    place_points(lat, lon, t, keys)
    nodes = int(cut_nodes(keys, t))
    write_boxes(t, nodes)
    by_node = ("start", "stop", "child", "children", "box", "map_box")
    return t._replace(**{name: getattr(t, name)[:nodes].copy() for name in by_node})


@njit(cache=True)
def within_many(t: Tree, centres: Floats, limits: Floats, first: int, offsets: Ids, found: Ids, squared: Floats) -> int:
    """For each query from `first` on, all points within its limit (the square of a chord), in no order.

    Those of query `i` are written from `offsets[i]` to `offsets[i + 1]`. Returns how far it came: less than all
    if there was no more room.
    """
    stack = np.empty(STACK, np.int64)
    for i in range(first, centres.shape[0]):
        x, y, z, limit = centres[i, 0], centres[i, 1], centres[i, 2], limits[i]
        at = offsets[i]
        stack[0], waiting = 0, 1
        while waiting > 0:
            waiting -= 1
            node = stack[waiting]
            if box_chord_squared(x, y, z, t.box, node) > limit:
                continue
            if t.children[node] > 0:
                for child in range(t.child[node], t.child[node] + t.children[node]):
                    stack[waiting] = child
                    waiting += 1
                continue
            if at + t.stop[node] - t.start[node] > found.size:
                return i
            for j in range(t.start[node], t.stop[node]):
                dx, dy, dz = x - t.point[j, 0], y - t.point[j, 1], z - t.point[j, 2]
                chord = dx * dx + dy * dy + dz * dz
                if chord <= limit:
                    found[at], squared[at] = t.number[j], chord
                    at += 1
        offsets[i + 1] = at
    return int(centres.shape[0])


@njit(cache=True)
def nearest_many(t: Tree, centres: Floats, found: Ids, squared: Floats) -> None:
    """For each query as many of the nearest points as a row of `found` holds, nearest first; the rest is left."""
    stack, bounds = np.empty(STACK, np.int64), np.empty(STACK)
    for i in range(centres.shape[0]):
        x, y, z = centres[i, 0], centres[i, 1], centres[i, 2]
        best, numbers, held = squared[i], found[i], 0
        stack[0], bounds[0], waiting = 0, 0.0, 1
        while waiting > 0:
            waiting -= 1
            node = stack[waiting]
            if held == best.size and bounds[waiting] >= best[held - 1]:
                continue
            start = waiting
            for child in range(t.child[node], t.child[node] + t.children[node]):
                bound = box_chord_squared(x, y, z, t.box, child)
                slip_in(child, bound, stack, bounds, start, waiting)
                waiting += 1
            if t.children[node] == 0:
                for j in range(t.start[node], t.stop[node]):
                    dx, dy, dz = x - t.point[j, 0], y - t.point[j, 1], z - t.point[j, 2]
                    held = keep_nearest(dx * dx + dy * dy + dz * dz, t.number[j], held, best, numbers)


@njit(cache=True)
def in_boxes(t: Tree, boxes: Floats, first: int, offsets: Ids, found: Ids) -> int:
    """For each box (south, north, west, east) from `first` on, all points in it, edges included.

    A box with `west > east` reaches across the date line. Returns how far it came: less than all if there was no more
    room.
    """
    stack = np.empty(STACK, np.int64)
    for i in range(first, boxes.shape[0]):
        south, north, west, east = boxes[i]
        around = west > east
        at = offsets[i]
        stack[0], waiting = 0, 1
        while waiting > 0:
            waiting -= 1
            node = stack[waiting]
            low, high, left, right = t.map_box[node]
            if not box_meets(south, north, west, east, low, high, left, right):
                continue
            inside = (left >= west or right <= east) if around else (left >= west and right <= east)
            inside = inside and low >= south and high <= north
            start, stop = t.start[node], t.stop[node]
            if not inside and t.children[node] > 0:
                for child in range(t.child[node], t.child[node] + t.children[node]):
                    stack[waiting] = child
                    waiting += 1
                continue
            if at + stop - start > found.size:
                return i
            if inside:
                for j in range(start, stop):
                    found[at] = t.number[j]
                    at += 1
                continue
            for j in range(start, stop):
                if box_holds(south, north, west, east, t.lat[j], t.lon[j]):
                    found[at] = t.number[j]
                    at += 1
        offsets[i + 1] = at
    return int(boxes.shape[0])


def warm() -> None:
    """Compile every kernel for the types it is used with."""
    t, centres = build(np.zeros(2), np.zeros(2)), np.array([[1.0, 0.0, 0.0]])
    offsets, found = np.zeros(2, np.int64), np.empty(4, np.int64)
    within_many(t, centres, np.ones(1), 0, offsets, found, np.empty(4))
    nearest_many(t, centres, np.empty((1, 1), np.int64), np.empty((1, 1)))
    in_boxes(t, np.zeros((1, 4)), 0, offsets, found)
