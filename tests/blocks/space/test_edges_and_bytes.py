"""Places at the edges of the map, boxes, radii that are distances, stored forms, and what is refused whole."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from windtunnel.blocks.space import (
    LinearQuadtree,
    PlainQuadtree,
    Quadtree,
    cover,
    decode,
    decode_many,
    distance_m,
    encode,
    encode_many,
    morton_key,
)

LATS = st.sampled_from([-90, -89.9, -45, 0, 1e-9, 10, 45, 89.9, 90]) | st.floats(-90, 90)
LONS = st.sampled_from([-180, -179.9, -90, 0, 10, 90, 179.9, 180]) | st.floats(-180, 180)
PLACES = st.lists(st.tuples(LATS, LONS), max_size=60)


def trees(places: list[tuple[float, float]]) -> tuple[Quadtree, LinearQuadtree, PlainQuadtree[int]]:
    moving, plain = Quadtree(), PlainQuadtree[int](4)
    lats, lons = [lat for lat, _ in places], [lon for _, lon in places]
    moving.put_many(range(len(places)), lats, lons)
    for i, place in enumerate(places):
        plain.put(i, *place)
    return moving, LinearQuadtree(lats, lons), plain


def holds(box: tuple[float, float, float, float], lat: float, lon: float) -> bool:
    """The rule, said once more: by steps to the east."""
    south, west, north, east = box
    if not south <= lat <= north:
        return False
    width = 360.0 if (west, east) == (-180, 180) else (east - west) % 360
    return abs(lat) == 90 or (lon - west) % 360 <= width or lon in (west, east) or (lon - 360 in (west, east))


@given(places=PLACES, box=st.tuples(LATS, LONS, LATS, LONS))
def test_three_trees_agree_on_what_is_in_a_box(places: list[Any], box: tuple[float, float, float, float]) -> None:
    south, west, north, east = min(box[0], box[2]), box[1], max(box[0], box[2]), box[3]
    found = [sorted(tree.in_box(south, west, north, east)) for tree in trees(places)]
    assert found[0] == found[1] == found[2]
    ours = set(found[0])
    for i, (lat, lon) in enumerate(places):
        if abs((lon - west) % 360 - (east - west) % 360) > 1e-9:  # what rounding may put on either side is not asked
            assert (i in ours) == holds((south, west, north, east), lat, lon)


@pytest.mark.parametrize("lon", [180, -180])
def test_the_date_line_is_one_meridian_and_a_pole_one_place(lon: float) -> None:
    for tree in trees([(0, lon), (90, 17), (-90, 17)]):
        for box in ((-1, -180, 1, -170), (-1, 170, 1, 180), (-1, 180, 1, 180), (-1, 170, 1, -170), (-1, -180, 1, 180)):
            assert tree.in_box(*box) == [0], box
        assert tree.in_box(-1, -170, 1, 170) == []
        assert tree.in_box(80, -20, 90, -10) == [1]
        assert tree.in_box(-90, 100, 0, 110) == [2]


def test_boxes_are_found_where_cells_split_and_things_move() -> None:
    luck = Random(4)
    moving, plain = Quadtree(), PlainQuadtree[int]()
    for step in range(4):
        places = [(luck.gauss(10, 0.1 * 10**step), luck.uniform(-180, 180)) for _ in range(800)]
        places = [(min(90.0, max(-90.0, lat)), lon) for lat, lon in places]
        moving.put_many(range(800), *zip(*places, strict=True))
        for i, place in enumerate(places):
            plain.put(i, *place)
        for _ in range(40):
            south, west, east = luck.uniform(-90, 90), luck.uniform(-180, 180), luck.uniform(-180, 180)
            north = luck.uniform(south, 90)
            assert sorted(moving.in_box(south, west, north, east)) == sorted(plain.in_box(south, west, north, east))
    souths, wests = [-90.0, 0.0], [-180.0, 0.0]
    names, offsets = moving.in_boxes(souths, wests, [90.0, 20.0], [180.0, 180.0])
    assert offsets.tolist() == [0, 800, names.size]


@given(place=st.tuples(LATS, LONS), other=st.tuples(LATS, LONS))
def test_what_is_at_a_distance_is_within_it(place: tuple[float, float], other: tuple[float, float]) -> None:
    for tree in trees([other]):
        far_m = tree.nearest(*place, 1)[0].distance_m
        assert [near.thing for near in tree.within(*place, far_m)] == [0]
        assert [near.thing for near in tree.within(*place, distance_m(*place, *other))] == [0]
    if far_m < 1000 or far_m > 2.0e7:
        precision = 6 if far_m < 1000 else 1
        assert encode(*other, precision) in cover(*place, far_m, precision)


def test_a_radius_of_0_finds_what_is_there() -> None:
    for tree in trees([(12.3456789, 98.7654321), (12.3456789, 98.76543211)]):
        assert [near.thing for near in tree.within(12.3456789, 98.7654321, 0)] == [0]
        assert len(tree.within(0, 0, float("inf"))) == 2


def test_trees_come_back_from_their_bytes() -> None:
    luck = Random(3)
    places = [(luck.uniform(-90, 90), luck.uniform(-180, 180)) for _ in range(300)]
    moving, linear, _ = trees(places)
    moving.remove_many(range(0, 300, 3))
    again, linear_again = (
        Quadtree.from_bytes(moving.to_bytes()),
        LinearQuadtree.from_bytes(memoryview(linear.to_bytes())),
    )
    assert again.to_bytes() == moving.to_bytes()
    assert linear_again.to_bytes() == linear.to_bytes()
    other = Quadtree()
    for i in reversed(range(300)):
        if i % 3:
            other.put(i, *places[i])
    assert other.to_bytes() == moving.to_bytes()
    for tree, twin in ((moving, again), (linear, linear_again)):
        assert tree.within(10, 10, 3e6) == twin.within(10, 10, 3e6)  # type: ignore[attr-defined]
    names, lats, lons = moving.things()
    assert [moving.place(name) for name in names.tolist()] == list(zip(lats.tolist(), lons.tolist(), strict=True))
    for empty in (Quadtree(), LinearQuadtree([], [])):
        assert len(type(empty).from_bytes(empty.to_bytes())) == 0  # type: ignore[attr-defined]


NO_PLACES = [
    (["1"], [2]),
    ([None], [2]),
    ([1j], [2]),
    ([float("nan")], [2]),
    ([91], [2]),
    ([1], [180.5]),
    ([[1], [1, 2]], [1, 2]),
    (np.ma.masked_array([1, 2], [False, True]), [1, 2]),
    (pa.array([1, None]), [1, 2]),
    ([1, 2], [1]),
    (np.ones((2, 2)), np.ones((2, 2))),
]


@pytest.mark.parametrize("places", NO_PLACES)
def test_what_is_no_place_is_refused_whole(places: Any) -> None:
    moving = Quadtree()
    moving.put(7, 1, 1)
    before = moving.to_bytes()
    things = list(range(len(places[0])))
    calls = (
        lambda: moving.put_many(things, *places),
        lambda: LinearQuadtree(*places),
        lambda: encode_many(*places),
        lambda: moving.within_many(*places, 1),
        lambda: moving.nearest_many(*places, 1),
    )
    for call in calls:
        with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
            call()
    assert moving.to_bytes() == before


@pytest.mark.parametrize("lat", ["1", None, 1j, float("nan"), 91, [1.0]])
def test_one_place_that_is_none_is_refused(lat: Any) -> None:
    plain: PlainQuadtree[int] = PlainQuadtree()
    for call in (
        encode,
        morton_key,
        lambda lat, lon: plain.put(1, lat, lon),
        lambda lat, lon: plain.within(lat, lon, 1),
    ):
        with pytest.raises(ValueError, match=r"^A latitude.*\.$"):
            call(lat, 1)
    assert len(plain) == 0


@pytest.mark.parametrize("radius_m", [-1, float("nan"), "1", None, 1j])
def test_a_radius_is_a_number(radius_m: Any) -> None:
    for tree in trees([(1, 1)]):
        with pytest.raises(ValueError, match=r"^A radius is .*\.$"):
            tree.within(1, 1, radius_m)
    with pytest.raises(ValueError, match=r"^A radius is .*\.$"):
        cover(1, 1, radius_m, 3)


def test_neighbours_asked_for_are_a_whole_number_and_may_be_more_than_there_are() -> None:
    for tree in trees([(1, 1), (2, 2)]):
        assert len(tree.nearest(1, 1, 10**15)) == 2
        for count in (0, -1, 1.5, "2", None):
            with pytest.raises(ValueError, match=r"neighbours? .*\.$"):
                tree.nearest(1, 1, count)  # type: ignore[arg-type]


def test_places_of_any_kind_of_number_and_layout_are_the_same() -> None:
    right = encode_many([48.5, 1.25], [11.5, -3.5], 7).tolist()
    grid = np.asfortranarray(np.array([[48.5, 1.25], [11.5, -3.5]]))
    for lats, lons in (
        (grid[0], grid[1]),
        (np.array([48.5, 1.25], ">f4"), np.array([11.5, -3.5], np.float16)),
        (pa.array([48.5, 1.25]), pa.chunked_array([[11.5], [-3.5]])),
        (np.ma.masked_array([48.5, 1.25]), iter([11.5, -3.5])),
    ):
        assert encode_many(lats, lons, np.int8(7)).tolist() == right  # type: ignore[arg-type]
    assert encode(np.float32(48.5), np.float64(11.5), 7).encode() == right[0]
    assert morton_key(np.float32(48.5), np.int8(11)) == morton_key(48.5, 11)


def test_words_come_in_columns_too() -> None:
    right = [part.tolist() for part in decode_many(["u281z", "u33d"])]
    forms = [
        pa.array(["u281z", "u33d"]),
        pa.chunked_array([["u281z"], ["u33d"]]),
        np.array(["u281z", "u33d"], object),
        [b"u281z", b"u33d"],
        ("u281z", "u33d"),
        iter(["u281z", "u33d"]),
        np.array(["u281z", "-", "u33d"])[::2],
    ]
    for words in forms:
        assert [part.tolist() for part in decode_many(words)] == right  # type: ignore[arg-type]
    for wrong in (pa.array(["u281z", None]), "u281z", [1, 2], [None], [["u281z"]], ["u281a"], ["ü"], [""]):
        with pytest.raises(ValueError, match=r"\.$"):
            decode_many(wrong)  # type: ignore[arg-type]
    for word in (None, b"u281z", 5, ""):
        with pytest.raises(ValueError, match=r"^A geohash .*\.$"):
            decode(word)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "things", [[1.5], ["a"], [None], [2**63], np.ma.masked_array([1], [True]), pa.array([1, None])]
)
def test_things_are_integers_of_64_bits(things: Any) -> None:
    made = Quadtree()
    with pytest.raises(ValueError, match=r"^Things .*\.$"):
        made.put_many(things, [1.0] * len(things), [1.0] * len(things))
    assert len(made) == 0


def test_threads_may_share_a_tree() -> None:
    import threading

    made, failed = Quadtree(), list[BaseException]()

    def run(start: int) -> None:
        luck = np.random.default_rng(start)
        try:
            for _ in range(60):
                made.put_many(luck.integers(0, 500, 50), luck.uniform(-1, 1, 50), luck.uniform(-1, 1, 50))
                made.within(0, 0, 5e4)
                made.remove_many(luck.integers(0, 500, 20))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(made.within(0, 0, 1e6)) == len(made)
