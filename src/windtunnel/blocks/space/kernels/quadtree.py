"""The quadtree for moving points (see `windtunnel.blocks.space.quadtree`) in arrays.

Things are numbered, and so are cells; cell 0 is the whole map and quarters stand four in a row. A cell is known by the
first `2 * depth` bits of the Morton keys in it. A leaf keeps its points in a **bucket** of a few slots, so that a
query reads them in one go; at the greatest depth buckets are chained. A kernel that might run out of cells or buckets
stops and says how far it came; the caller makes room and calls again.
"""

from __future__ import annotations

from math import cos, sin
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from windtunnel.blocks.ground.kernels.words import inner, njit
from windtunnel.blocks.space.kernels.geohash import gather, morton
from windtunnel.blocks.space.kernels.sphere import (
    RADIAN,
    box_chord_squared,
    box_holds,
    box_meets,
    cell_box,
    keep_nearest,
    slip_in,
)
from windtunnel.blocks.space.quadtree_plain import LEAF_POINTS, MAX_DEPTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from windtunnel.blocks.ground.kernels.int_map import Int

    Floats = NDArray[np.float64]
    Ids = NDArray[np.int64]

FREE_CELLS, FREE_BUCKETS = 0, 1  # places in `meta`
RESERVE = 4 * (MAX_DEPTH + 1)  # more than one operation can take
STACK = 3 * (MAX_DEPTH + 1) + 1  # a walk down leaves at most three quarters behind at each depth


class Tree(NamedTuple):
    """Cells, buckets, things, and stacks of what is free (of cells the first of each four)."""

    child: NDArray[np.int64]
    parent: NDArray[np.int64]
    depth: NDArray[np.int64]
    prefix: NDArray[np.uint64]
    points: NDArray[np.int64]
    bucket: NDArray[np.int64]
    box: NDArray[np.float64]
    next_bucket: NDArray[np.int64]
    slot_thing: NDArray[np.int64]
    slot_point: NDArray[np.float64]
    free_cells: NDArray[np.int64]
    free_buckets: NDArray[np.int64]
    meta: NDArray[np.int64]


class Things(NamedTuple):
    """By number: the place (NaN where there is no such thing), its Morton key, the leaf, the slot."""

    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    key: NDArray[np.uint64]
    leaf: NDArray[np.int64]
    slot: NDArray[np.int64]


def empty_tree(buckets: int = 2 * RESERVE) -> Tree:
    """A tree without points, with so many buckets and half as many times four cells."""
    fours = buckets // 2
    cells = 1 + 4 * fours
    tree = Tree(
        child=np.full(cells, -1),
        parent=np.full(cells, -1),
        depth=np.empty(cells, np.int64),
        prefix=np.empty(cells, np.uint64),
        points=np.empty(cells, np.int64),
        bucket=np.empty(cells, np.int64),
        box=np.empty((cells, 6)),
        next_bucket=np.empty(buckets, np.int64),
        slot_thing=np.empty(buckets * LEAF_POINTS, np.int64),
        slot_point=np.empty((buckets * LEAF_POINTS, 3)),
        free_cells=1 + 4 * np.arange(fours - 1, -1, -1),
        free_buckets=np.arange(buckets - 1, -1, -1),
        meta=np.array([fours, buckets]),
    )
    tree.depth[0], tree.prefix[0], tree.points[0], tree.bucket[0] = 0, 0, 0, -1
    cell_box(np.uint64(0), 0, tree.box[0])
    return tree


def grown(old: Tree, points: int) -> Tree:
    """The same tree with room for twice as much, and for about so many points if they are spread evenly."""
    new = empty_tree(max(2 * old.free_buckets.size, points // 6))
    for name in Tree._fields[:-3]:
        array = getattr(old, name)
        getattr(new, name)[: array.shape[0]] = array
    for free, had, place in (
        (new.free_cells, old.free_cells, FREE_CELLS),
        (new.free_buckets, old.free_buckets, FREE_BUCKETS),
    ):
        fresh = free.size - had.size  # the highest numbers, which stand first; what was free before goes on top
        free[fresh : fresh + old.meta[place]] = had[: old.meta[place]]
        new.meta[place] = fresh + old.meta[place]
    return new


@njit(cache=True, inline="always")
def holds(t: Tree, cell: Int, key: np.uint64) -> bool:
    depth = t.depth[cell]
    return bool(depth == 0 or key >> np.uint64(64 - 2 * depth) == t.prefix[cell])


@njit(cache=True, inline="always")
def quarter(t: Tree, cell: Int, key: np.uint64) -> np.int64:
    """The quarter of an inner cell that holds the key."""
    return np.int64(t.child[cell] + np.int64((key >> np.uint64(62 - 2 * t.depth[cell])) & np.uint64(3)))


@inner
def append(t: Tree, things: Things, leaf: Int, thing: Int, x: float, y: float, z: float) -> None:
    """Put a thing in the last slot of a leaf."""
    count = t.points[leaf]
    bucket = t.bucket[leaf]
    for _ in range((count - 1) // LEAF_POINTS):
        bucket = t.next_bucket[bucket]
    if count % LEAF_POINTS == 0:
        t.meta[FREE_BUCKETS] -= 1
        new = t.free_buckets[t.meta[FREE_BUCKETS]]
        t.next_bucket[new] = -1
        if count == 0:
            t.bucket[leaf] = new
        else:
            t.next_bucket[bucket] = new
        bucket = new
    slot = bucket * LEAF_POINTS + count % LEAF_POINTS
    t.slot_thing[slot] = thing
    t.slot_point[slot, 0], t.slot_point[slot, 1], t.slot_point[slot, 2] = x, y, z
    things.leaf[thing], things.slot[thing] = leaf, slot
    t.points[leaf] = count + 1


@inner
def drop(t: Tree, things: Things, thing: Int) -> None:
    """Take a thing out of its leaf; the last of the leaf takes its slot."""
    leaf, slot = things.leaf[thing], things.slot[thing]
    last = t.points[leaf] - 1
    before, bucket = -1, t.bucket[leaf]
    for _ in range(last // LEAF_POINTS):
        before, bucket = bucket, t.next_bucket[bucket]
    end = bucket * LEAF_POINTS + last % LEAF_POINTS
    moved = t.slot_thing[end]
    t.slot_thing[slot] = moved
    for i in range(3):
        t.slot_point[slot, i] = t.slot_point[end, i]
    things.slot[moved] = slot
    t.points[leaf] = last
    if last % LEAF_POINTS == 0:
        t.free_buckets[t.meta[FREE_BUCKETS]] = bucket
        t.meta[FREE_BUCKETS] += 1
        if last == 0:
            t.bucket[leaf] = -1
        else:
            t.next_bucket[before] = -1


@inner
def split(t: Tree, things: Things, cell: Int) -> None:
    """Make a full leaf an inner cell."""
    t.meta[FREE_CELLS] -= 1
    first = t.free_cells[t.meta[FREE_CELLS]]
    bucket, points = t.bucket[cell], t.points[cell]
    t.bucket[cell], t.child[cell] = -1, first
    for q in range(4):
        new = first + q
        t.child[new], t.parent[new], t.bucket[new], t.points[new] = -1, cell, -1, 0
        t.depth[new] = t.depth[cell] + 1
        t.prefix[new] = (t.prefix[cell] << np.uint64(2)) | np.uint64(q)
        cell_box(t.prefix[new], t.depth[new], t.box[new])
    for slot in range(bucket * LEAF_POINTS, bucket * LEAF_POINTS + points):
        thing, at = t.slot_thing[slot], t.slot_point[slot]
        append(t, things, quarter(t, cell, things.key[thing]), thing, at[0], at[1], at[2])
    t.free_buckets[t.meta[FREE_BUCKETS]] = bucket
    t.meta[FREE_BUCKETS] += 1


@inner
def merge(t: Tree, things: Things, cell: Int) -> None:
    """Make a cell a leaf again if it holds half of what a leaf may: its quarters are leaves then, by this same rule."""
    if t.child[cell] < 0 or t.points[cell] > LEAF_POINTS // 2:
        return
    first = t.child[cell]
    t.child[cell], t.points[cell] = -1, 0
    for q in range(4):
        bucket, points = t.bucket[first + q], t.points[first + q]
        if points == 0:
            continue
        for slot in range(bucket * LEAF_POINTS, bucket * LEAF_POINTS + points):
            at = t.slot_point[slot]
            append(t, things, cell, t.slot_thing[slot], at[0], at[1], at[2])
        t.free_buckets[t.meta[FREE_BUCKETS]] = bucket
        t.meta[FREE_BUCKETS] += 1
    t.free_cells[t.meta[FREE_CELLS]] = first
    t.meta[FREE_CELLS] += 1


@njit(cache=True, _nrt=False)  # no references to the tree's arrays are counted: see `words.inner`
def put_many(t: Tree, things: Things, numbers: Ids, lat: Floats, lon: Floats, first: int) -> int:
    """Put or move things, from item `first` on; returns how far it came."""
    for i in range(first, numbers.size):
        if t.meta[FREE_CELLS] < RESERVE or t.meta[FREE_BUCKETS] < RESERVE:
            return i
        thing, key = numbers[i], morton(lat[i], lon[i])
        phi, lam = lat[i] * RADIAN, lon[i] * RADIAN
        x, y, z = cos(phi) * cos(lam), cos(phi) * sin(lam), sin(phi)
        cell = np.int64(0)
        if not np.isnan(things.lat[thing]):
            cell = things.leaf[thing]
            if holds(t, cell, key):
                slot = things.slot[thing]
                t.slot_point[slot, 0], t.slot_point[slot, 1], t.slot_point[slot, 2] = x, y, z
                things.lat[thing], things.lon[thing], things.key[thing] = lat[i], lon[i], key
                continue
            drop(t, things, thing)
            while not holds(t, cell, key):
                cell = t.parent[cell]
                t.points[cell] -= 1
                merge(t, things, cell)
        things.lat[thing], things.lon[thing], things.key[thing] = lat[i], lon[i], key
        while t.child[cell] >= 0 or (t.points[cell] == LEAF_POINTS and t.depth[cell] < MAX_DEPTH):
            if t.child[cell] < 0:
                split(t, things, cell)
            t.points[cell] += 1
            cell = quarter(t, cell, key)
        append(t, things, cell, thing, x, y, z)
    return numbers.size


@njit(cache=True, _nrt=False)
def remove_many(t: Tree, things: Things, numbers: Ids) -> int:
    """Take out these things, skipping the number -1 and what is absent; returns how many there were."""
    removed = 0
    for thing in numbers:
        if thing < 0 or np.isnan(things.lat[thing]):
            continue
        cell = things.leaf[thing]
        drop(t, things, thing)
        things.lat[thing] = np.nan
        removed += 1
        while t.parent[cell] >= 0:
            cell = t.parent[cell]
            t.points[cell] -= 1
            merge(t, things, cell)
    return removed


@njit(cache=True)
def within_many(t: Tree, centres: Floats, limits: Floats, first: int, offsets: Ids, found: Ids, squared: Floats) -> int:
    """For each query from `first` on, all things within its limit (the square of a chord), in no order.

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
            cell = stack[waiting]
            if t.points[cell] == 0 or box_chord_squared(x, y, z, t.box, cell) > limit:
                continue
            if t.child[cell] >= 0:
                for q in range(4):
                    stack[waiting + q] = t.child[cell] + q
                waiting += 4
                continue
            if at + t.points[cell] > found.size:
                return i
            bucket, left = t.bucket[cell], t.points[cell]
            while left > 0:
                for slot in range(bucket * LEAF_POINTS, bucket * LEAF_POINTS + min(left, LEAF_POINTS)):
                    dx, dy, dz = x - t.slot_point[slot, 0], y - t.slot_point[slot, 1], z - t.slot_point[slot, 2]
                    chord = dx * dx + dy * dy + dz * dz
                    if chord <= limit:
                        found[at], squared[at] = t.slot_thing[slot], chord
                        at += 1
                left -= LEAF_POINTS
                bucket = t.next_bucket[bucket]
        offsets[i + 1] = at
    return int(centres.shape[0])


@njit(cache=True)
def nearest_many(t: Tree, centres: Floats, found: Ids, squared: Floats) -> None:
    """For each query as many of the nearest things as a row of `found` holds, nearest first; the rest is left."""
    stack, bounds = np.empty(STACK, np.int64), np.empty(STACK)
    for i in range(centres.shape[0]):
        x, y, z = centres[i, 0], centres[i, 1], centres[i, 2]
        best, things, held = squared[i], found[i], 0
        stack[0], bounds[0], waiting = 0, 0.0, 1
        while waiting > 0:
            waiting -= 1
            cell = stack[waiting]
            if held == best.size and bounds[waiting] >= best[held - 1]:
                continue
            if t.child[cell] >= 0:
                start = waiting
                for q in range(t.child[cell], t.child[cell] + 4):
                    if t.points[q] == 0:
                        continue
                    bound = box_chord_squared(x, y, z, t.box, q)
                    slip_in(q, bound, stack, bounds, start, waiting)
                    waiting += 1
                continue
            bucket, left = t.bucket[cell], t.points[cell]
            while left > 0:
                for slot in range(bucket * LEAF_POINTS, bucket * LEAF_POINTS + min(left, LEAF_POINTS)):
                    dx, dy, dz = x - t.slot_point[slot, 0], y - t.slot_point[slot, 1], z - t.slot_point[slot, 2]
                    held = keep_nearest(dx * dx + dy * dy + dz * dz, t.slot_thing[slot], held, best, things)
                left -= LEAF_POINTS
                bucket = t.next_bucket[bucket]


@njit(cache=True)
def in_boxes(t: Tree, things: Things, boxes: Floats, first: int, offsets: Ids, found: Ids) -> int:
    """For each box (see `sphere.box_meets`) from `first` on, all things in it, in no order.

    Those of box `i` are written from `offsets[i]` to `offsets[i + 1]`. Returns how far it came: less than all if there
    was no more room.
    """
    stack = np.empty(STACK, np.int64)
    for i in range(first, boxes.shape[0]):
        south, north, west, east = boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]
        at = offsets[i]
        stack[0], waiting = 0, 1
        while waiting > 0:
            waiting -= 1
            cell = stack[waiting]
            if t.points[cell] == 0:
                continue
            height = 180.0 / np.float64(1 << t.depth[cell])
            low = np.float64(gather(t.prefix[cell])) * height - 90
            left = np.float64(gather(t.prefix[cell] >> np.uint64(1))) * 2 * height - 180
            if not box_meets(south, north, west, east, low, low + height, left, left + 2 * height):
                continue
            if t.child[cell] >= 0:
                for q in range(4):
                    stack[waiting + q] = t.child[cell] + q
                waiting += 4
                continue
            if at + t.points[cell] > found.size:
                return i
            bucket, left_over = t.bucket[cell], t.points[cell]
            while left_over > 0:
                for slot in range(bucket * LEAF_POINTS, bucket * LEAF_POINTS + min(left_over, LEAF_POINTS)):
                    thing = t.slot_thing[slot]
                    if box_holds(south, north, west, east, things.lat[thing], things.lon[thing]):
                        found[at] = thing
                        at += 1
                left_over -= LEAF_POINTS
                bucket = t.next_bucket[bucket]
        offsets[i + 1] = at
    return int(boxes.shape[0])


def no_things(numbers: int) -> Things:
    """Room for so many things, none of them there."""
    return Things(
        np.full(numbers, np.nan),
        np.zeros(numbers),
        np.zeros(numbers, np.uint64),
        np.zeros(numbers, np.int64),
        np.zeros(numbers, np.int64),
    )


def warm() -> None:
    """Compile every kernel for the types it is used with."""
    t, things, numbers, centres = empty_tree(), no_things(2), np.arange(2), np.array([[1.0, 0.0, 0.0]])
    put_many(t, things, numbers, np.zeros(2), np.zeros(2), 0)
    within_many(t, centres, np.ones(1), 0, np.zeros(2, np.int64), np.empty(4, np.int64), np.empty(4))
    nearest_many(t, centres, np.empty((1, 1), np.int64), np.empty((1, 1)))
    in_boxes(t, things, np.zeros((1, 4)), 0, np.zeros(2, np.int64), np.empty(4, np.int64))
    remove_many(t, things, numbers)
