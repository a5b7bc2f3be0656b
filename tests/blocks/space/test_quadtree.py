"""Quadtrees: plain, compiled and linear, against a scan over all and against SciPy's k-d tree, everywhere on Earth."""

from __future__ import annotations

import doctest
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from helpers.examples import examples
from windtunnel.blocks.space import quadtree, quadtree_plain
from windtunnel.blocks.space.quadtree import Quadtree
from windtunnel.blocks.space.quadtree_linear import LinearQuadtree
from windtunnel.blocks.space.quadtree_plain import PlainQuadtree
from windtunnel.blocks.space.quadtree_sphere import (
    EARTH_RADIUS_M,
    box_chord_squared,
    cell_box,
    chord_squared,
    distance_m,
    distance_to_box_m,
    to_point,
)

NEAR_POLE = st.tuples(st.sampled_from([90.0, -90.0]) | st.floats(89.99, 90), st.floats(-180, 180))
NEAR_DATE_LINE = st.tuples(
    st.floats(-0.01, 0.01), st.sampled_from([180.0, -180.0]) | st.floats(179.99, 180) | st.floats(-180, -179.99)
)
ANYWHERE = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
CROWDED = st.tuples(st.sampled_from([1.0, 1.0 + 1e-9]), st.just(2.0))
PLACES = st.one_of(NEAR_POLE, NEAR_DATE_LINE, ANYWHERE, CROWDED)
RADII = st.sampled_from([0.0, 50.0, 2_000.0, 1e6, 1.5e7, 2.1e7])


def meridians(lon: float) -> tuple[float, ...]:
    """All numbers of a meridian: the date line has two."""
    return (-180.0, 180.0) if abs(lon) == 180 else (lon,)


def between(west: float, lon: float, east: float) -> bool:
    """Whether one comes across the longitude on the way from west to east."""
    return west <= lon <= east if west <= east else lon >= west or lon <= east


class QuadtreeMachine(RuleBasedStateMachine):
    """Things come, move and go in both trees; a dictionary knows where they are."""

    def __init__(self) -> None:
        super().__init__()
        self.plain: PlainQuadtree[int] = PlainQuadtree(leaf_points=3)
        self.fast = Quadtree()
        self.places: dict[int, tuple[float, float]] = {}

    @rule(thing=st.integers(-5, 60), place=PLACES)
    def put(self, thing: int, place: tuple[float, float]) -> None:
        new = thing not in self.places
        self.places[thing] = place
        assert self.plain.put(thing, *place) == self.fast.put(thing, *place) == new

    @rule(crowd=st.lists(st.tuples(st.integers(-5, 60), PLACES), min_size=1, max_size=40))
    def put_many(self, crowd: list[tuple[int, tuple[float, float]]]) -> None:
        new = len({thing for thing, _ in crowd} - self.places.keys())
        for thing, place in crowd:
            self.plain.put(thing, *place)
            self.places[thing] = place
        things, places = [thing for thing, _ in crowd], [place for _, place in crowd]
        assert self.fast.put_many(things, [p[0] for p in places], [p[1] for p in places]) == new

    @rule(thing=st.integers(-5, 60))
    def remove(self, thing: int) -> None:
        there = self.places.pop(thing, None) is not None
        assert self.plain.remove(thing) == self.fast.remove(thing) == there

    @rule(centre=PLACES, radius_m=RADII)
    def ask_within(self, centre: tuple[float, float], radius_m: float) -> None:
        wanted = {thing for thing, place in self.places.items() if distance_m(*centre, *place) <= radius_m}
        unsure = {t for t, p in self.places.items() if abs(distance_m(*centre, *p) - radius_m) < 1e-6}
        for tree in (self.plain, self.fast):
            found = tree.within(*centre, radius_m)
            assert {near.thing for near in found} - unsure == wanted - unsure
            assert [near.distance_m for near in found] == sorted(near.distance_m for near in found)
            for near in found:
                assert near.distance_m == pytest.approx(distance_m(*centre, *self.places[near.thing]), abs=1e-6)

    @rule(centre=PLACES, count=st.integers(1, 12))
    def ask_nearest(self, centre: tuple[float, float], count: int) -> None:
        wanted = sorted(distance_m(*centre, *place) for place in self.places.values())[:count]
        for tree in (self.plain, self.fast):
            found = tree.nearest(*centre, count)
            assert [near.distance_m for near in found] == pytest.approx(wanted, abs=1e-6)
            assert len({near.thing for near in found}) == len(wanted)

    @rule(south=st.floats(-90, 90), height=st.floats(0, 30), west=st.floats(-180, 180), east=st.floats(-180, 180))
    def ask_box(self, south: float, height: float, west: float, east: float) -> None:
        north = min(90.0, south + height)
        wanted = [
            thing
            for thing, (lat, lon) in self.places.items()
            if south <= lat <= north and (abs(lat) == 90 or any(between(west, same, east) for same in meridians(lon)))
        ]
        assert sorted(self.plain.in_box(south, west, north, east)) == sorted(wanted)

    @invariant()
    def both_hold_the_same(self) -> None:
        assert len(self.plain) == len(self.fast) == len(self.places)
        for thing in range(-5, 10):
            place = self.places.get(thing)
            assert self.plain.place(thing) == self.fast.place(thing) == place
            assert (thing in self.plain) == (thing in self.fast) == (place is not None)
        assert sum(count for _, count in self.plain.cells()) == len(self.places)


TestQuadtrees = QuadtreeMachine.TestCase
TestQuadtrees.settings = settings(max_examples=examples(20), stateful_step_count=40, deadline=None, derandomize=True)


def spread(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places all over the sphere, in a few cities, at a pole and along the date line."""
    quarter = count // 4
    lats = [np.degrees(np.arcsin(rng.uniform(-1, 1, quarter))), rng.normal(48, 0.05, quarter)]
    lons = [rng.uniform(-180, 180, quarter), rng.normal(2, 0.05, quarter)]
    lats += [90 - np.abs(rng.normal(0, 0.02, quarter)), rng.normal(0, 0.05, quarter)]
    lons += [rng.uniform(-180, 180, quarter), (rng.normal(180, 0.05, quarter) + 180) % 360 - 180]
    return np.concatenate(lats), np.concatenate(lons)


def trees(lats: np.ndarray, lons: np.ndarray) -> list[Any]:
    moving = Quadtree()
    # Once somewhere else, then to their places: a tree that has only ever grown would be too easy.
    numbers = np.arange(lats.size)
    moving.put_many(numbers, np.roll(lats, 7), np.roll(lons, 7))
    moving.put_many(numbers, lats, lons)
    return [moving, LinearQuadtree(lats, lons)]


def test_scipy_finds_the_same_neighbours_everywhere() -> None:
    spatial = pytest.importorskip("scipy.spatial")
    rng = np.random.default_rng(1)
    lats, lons = spread(rng, 40_000)
    points = np.array([to_point(lat, lon) for lat, lon in zip(lats.tolist(), lons.tolist(), strict=True)])
    oracle = spatial.cKDTree(points)
    ask_lats, ask_lons = spread(rng, 300)
    asked = np.array([to_point(lat, lon) for lat, lon in zip(ask_lats.tolist(), ask_lons.tolist(), strict=True)])
    chords, _ = oracle.query(asked, 7)
    radii = rng.choice([0.0, 300.0, 2_000.0, 400_000.0], ask_lats.size)
    for tree in trees(lats, lons):
        things, distances = tree.nearest_many(ask_lats, ask_lons, 7)
        assert distances == pytest.approx(2 * EARTH_RADIUS_M * np.arcsin(chords / 2), abs=1e-4)
        things, distances, offsets = tree.within_many(ask_lats, ask_lons, radii)
        assert offsets[-1] == things.size == distances.size
        for i in range(ask_lats.size):
            chord = 2 * math.sin(radii[i] / EARTH_RADIUS_M / 2)
            assert sorted(things[offsets[i] : offsets[i + 1]]) == sorted(oracle.query_ball_point(asked[i], chord))
            assert (distances[offsets[i] : offsets[i + 1]] <= radii[i] + 1e-6).all()


def test_batches_that_name_a_thing_twice_leave_it_at_the_last_place() -> None:
    rng = np.random.default_rng(2)
    lats, lons = spread(rng, 8_000)
    things = rng.integers(0, 2_000, lats.size)
    tree = Quadtree()
    assert tree.put_many(things, lats, lons) == np.unique(things).size == len(tree)
    for thing in range(0, 2_000, 100):
        last = np.flatnonzero(things == thing)
        if last.size:
            assert tree.place(thing) == (lats[last[-1]], lons[last[-1]])


def test_a_crowd_on_one_spot_is_held_and_found_and_dissolves() -> None:
    rng = np.random.default_rng(3)
    tree = Quadtree()
    numbers = rng.permutation(1_000)
    assert tree.put_many(numbers, np.full(1_000, 12.5), np.full(1_000, -180.0)) == 1_000
    assert len(tree.within(12.5, 180.0, 1.0)) == 1_000
    assert tree.remove_many(numbers[:990]) == 990
    assert tree.put_many(numbers[990:], rng.uniform(-90, 90, 10), rng.uniform(-180, 180, 10)) == 0
    assert len(tree.within(0.0, 0.0, 2.1e7)) == 10
    assert len(LinearQuadtree(np.full(1_000, 12.5), np.full(1_000, 180.0)).within(12.5, -180.0, 1.0)) == 1_000


def test_room_is_used_again_when_things_leave() -> None:
    rng = np.random.default_rng(4)
    tree = Quadtree()
    numbers = np.arange(20_000)
    sizes = []
    for _ in range(4):
        tree.put_many(numbers, *spread(rng, 20_000))
        tree.put_many(numbers, *spread(rng, 20_000))
        sizes.append((tree._tree.free_buckets.size, tree._things.lat.size))
        assert tree.remove_many(rng.permutation(numbers)) == 20_000
        assert len(tree) == 0
        assert tree.within(0.0, 0.0, 2.1e7) == []
        assert tree.nearest(0.0, 0.0, 3) == []
        assert tree._tree.child[0] == -1, "an empty tree is one leaf"
    assert len(set(sizes)) == 1
    assert tree._tree.meta[1] == tree._tree.free_buckets.size, "every bucket has come back"


def test_rows_end_with_nothing_when_there_are_too_few() -> None:
    for tree in trees(np.array([0.0]), np.array([0.0])):
        things, distances = tree.nearest_many([0.0, 0.0], [0.0, 1.0], 3)
        assert things.tolist() == [[0, -1, -1]] * 2
        assert distances[0].tolist() == [0.0, math.inf, math.inf]
    empty = LinearQuadtree([], [])
    assert len(empty) == 0
    assert empty.nearest(0, 0, 2) == empty.within(0, 0, 1e9) == []
    assert empty.in_boxes([-90], [-180], [90], [180])[0].size == 0


@given(st.data())
@settings(max_examples=examples(30), deadline=None)
def test_boxes_of_the_map_hold_what_a_scan_finds(data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 100))
    lats, lons = spread(np.random.default_rng(seed), 400)
    corners = st.tuples(PLACES, PLACES)
    boxes = [
        (min(a[0], b[0]), a[1], max(a[0], b[0]), b[1]) for a, b in data.draw(st.lists(corners, min_size=1, max_size=10))
    ]
    found, offsets = LinearQuadtree(lats, lons).in_boxes(*map(list, zip(*boxes, strict=True)))
    for i, (south, west, north, east) in enumerate(boxes):
        across = (lons >= west) | (lons <= east) if west > east else (lons >= west) & (lons <= east)
        wanted = np.flatnonzero((lats >= south) & (lats <= north) & across)
        assert sorted(found[offsets[i] : offsets[i + 1]]) == wanted.tolist()


@given(place=PLACES, cell=PLACES, depth=st.integers(0, 12))
def test_no_point_of_a_cell_is_nearer_than_its_boxes(
    place: tuple[float, float], cell: tuple[float, float], depth: int
) -> None:
    height, width = 180 / 2**depth, 360 / 2**depth
    row = min(2**depth - 1, int((cell[0] + 90) / height))
    column = min(2**depth - 1, int((cell[1] + 180) / width))
    south, west = row * height - 90, column * width - 180
    box = cell_box(south, west, south + height, west + width)
    exact = distance_to_box_m(*place, south, west, south + height, west + width)
    for i in range(5):
        for j in range(5):
            point = (min(90.0, south + i * height / 4), min(180.0, west + j * width / 4))
            assert exact <= distance_m(*place, *point) + 1e-6
            away = chord_squared(to_point(*place), to_point(*point))
            assert box_chord_squared(to_point(*place), box) <= away + 1e-14


def test_the_compiled_boxes_are_the_plain_ones() -> None:
    from windtunnel.blocks.space.geohash import morton_key
    from windtunnel.blocks.space.kernels.sphere import cell_box as compiled

    rng = np.random.default_rng(5)
    for depth in range(27):
        for _ in range(10):
            lat, lon = rng.uniform(-90, 90), rng.uniform(-180, 180)
            prefix = morton_key(lat, lon) >> (64 - 2 * depth) if depth else 0
            height, width = 180 / 2**depth, 360 / 2**depth
            south, west = math.floor((lat + 90) / height) * height - 90, math.floor((lon + 180) / width) * width - 180
            box = np.empty(6)
            compiled(np.uint64(prefix), depth, box)
            assert box == pytest.approx(cell_box(south, west, south + height, west + width), abs=4e-15)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: Quadtree().put(1, 91, 0), "between -90 and 90"),
        (lambda: PlainQuadtree[int]().put(1, math.nan, 0), "finite number"),
        (lambda: Quadtree().put_many([1, 2], [0], [0]), "one place for each"),
        (lambda: Quadtree().put_many([1.5], [0], [0]), "integers"),  # type: ignore[list-item]  # the point of the test
        (lambda: Quadtree().nearest(0, 0, 0), "at least 1"),
        (lambda: PlainQuadtree[int]().nearest(0, 0, 0), "at least 1"),
        (lambda: Quadtree().within(0, 0, -1), "0 m or more"),
        (lambda: Quadtree().within_many([0], [0], [math.nan]), "A radius is a number"),
        (lambda: PlainQuadtree[int](0), "at least 1"),
        (lambda: LinearQuadtree([0], [181]), "between -180 and 180"),
        (lambda: LinearQuadtree([0], [0]).in_boxes([0], [0], [1, 1], [1, 1]), "one north-east"),
    ],
)
def test_bad_input_is_refused(wrong: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong()


def test_the_example_in_the_docs_holds() -> None:
    assert doctest.testmod(quadtree).failed == 0
    assert doctest.testmod(quadtree_plain).failed == 0
