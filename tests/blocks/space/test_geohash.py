"""Geohashes: exact at every border, equal to other packages, right at the date line and the poles."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from windtunnel.blocks.space.geohash import (
    cover,
    decode,
    decode_many,
    encode,
    encode_many,
    morton_key,
    morton_keys,
    neighbours,
)
from windtunnel.blocks.space.quadtree_sphere import distance_m

BORDERS = st.builds(
    lambda cell, bits, nudge, half: min(half, max(-half, math.nextafter(-half + 2 * half * cell / 2**bits, nudge))),
    st.integers(0, 2**30),
    st.just(30),
    st.sampled_from([-math.inf, math.inf]),
    st.just(90.0),
)
LATS = st.one_of(st.floats(-90, 90), BORDERS, st.sampled_from([-90.0, -0.0, 0.0, 45.0, 90.0, 5e-324, -5e-324]))
LONS = st.one_of(
    st.floats(-180, 180), BORDERS.map(lambda x: 2 * x), st.sampled_from([-180.0, 0.0, -0.0, 180.0, -5e-324])
)
PRECISIONS = st.integers(1, 12)


@given(st.lists(st.tuples(LATS, LONS), min_size=1, max_size=20), PRECISIONS)
def test_batches_name_the_cells_that_halving_names(places: list[tuple[float, float]], precision: int) -> None:
    lats, lons = map(list, zip(*places, strict=True))
    assert encode_many(lats, lons, precision).tolist() == [encode(*p, precision).encode() for p in places]
    assert morton_keys(lats, lons).tolist() == [morton_key(*p) for p in places]


@given(LATS, LONS, PRECISIONS)
def test_a_word_is_the_cell_around_its_place_and_a_prefix_of_longer_ones(
    lat: float, lon: float, precision: int
) -> None:
    word = encode(lat, lon, precision)
    south, west, north, east = decode(word)
    assert south <= lat < north or lat == north == 90
    assert west <= lon < east or lon == east == 180
    assert encode(lat, lon, 12).startswith(word)
    letters = "".join(chr(c) for c in word.encode())
    bits = "".join(f"{'0123456789bcdefghjkmnpqrstuvwxyz'.index(c):05b}" for c in letters)
    assert f"{morton_key(lat, lon):064b}".startswith(bits)


def test_other_packages_give_the_same_words() -> None:
    rng = np.random.default_rng(2)
    lats, lons = rng.uniform(-90, 90, 3_000), rng.uniform(-180, 180, 3_000)
    words = [word.decode() for word in encode_many(lats, lons, 10)]
    for name in ("pygeohash", "geohash"):
        peer = pytest.importorskip(name)
        assert [peer.encode(lat, lon, 10) for lat, lon in zip(lats.tolist(), lons.tolist(), strict=True)] == words


@given(st.lists(st.tuples(LATS, LONS, PRECISIONS), min_size=1, max_size=10))
def test_batches_decode_to_the_middle_of_the_cell(places: list[tuple[float, float, int]]) -> None:
    words = [encode(*place) for place in places]
    lat, lon = decode_many(words)
    for i, word in enumerate(words):
        assert (lat[i], lon[i]) == pytest.approx(decode(word).centre, abs=1e-12)


def test_neighbours_are_those_of_another_package_away_from_the_poles() -> None:
    peer = pytest.importorskip("geohash")
    for word in ("u09tv", "ezs42", "7zzzz", "s0000", "xczbz", "r", "80"):
        assert sorted(neighbours(word)) == sorted(peer.neighbors(word))


def test_cells_wrap_around_at_the_date_line_and_end_at_the_poles() -> None:
    west_of_it, east_of_it = encode(10.0, 179.9999, 6), encode(10.0, -179.9999, 6)
    assert east_of_it in neighbours(west_of_it)
    assert west_of_it in neighbours(east_of_it)
    assert len(neighbours(encode(89.9999, 20.0, 5))) == 5
    assert len(neighbours(encode(-90.0, 20.0, 5))) == 5
    assert len(neighbours(encode(48.0, 2.0, 5))) == 8


@given(
    lat=st.one_of(LATS, st.floats(89.5, 90), st.floats(-90, -89.5)),
    lon=st.one_of(LONS, st.floats(179.5, 180), st.floats(-180, -179.5)),
    radius_m=st.one_of(st.floats(0, 60_000), st.just(0.0)),
    precision=st.integers(3, 4),
    turns=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 2 * math.pi)), min_size=1, max_size=10),
)
def test_every_place_in_a_circle_lies_in_its_cover(
    lat: float, lon: float, radius_m: float, precision: int, turns: list[tuple[float, float]]
) -> None:
    if abs(lat) > 89 and precision == 4:
        precision = 3
    cells = set(cover(lat, lon, radius_m, precision))
    assert encode(lat, lon, precision) in cells
    for share, bearing in turns:
        there = travel(lat, lon, share * radius_m * (1 - 1e-9), bearing)
        if distance_m(lat, lon, *there) <= radius_m * (1 - 1e-9):
            assert encode(*there, precision) in cells


def test_a_cover_holds_no_cell_that_is_far_and_all_cells_at_a_pole() -> None:
    for word in cover(48.85, 2.35, 5_000, 5):
        south, west, north, east = decode(word)
        nearest = distance_m(48.85, 2.35, min(max(48.85, south), north), min(max(2.35, west), east))
        assert nearest < 5_010
    assert len(cover(90.0, 0.0, 1.0, 3)) == 256, "all cells of the last row touch the pole"
    with pytest.raises(ValueError, match="100,000 cells"):
        cover(0.0, 0.0, 1e6, 7)


def travel(lat: float, lon: float, distance: float, bearing: float) -> tuple[float, float]:
    """Where one comes to from a place, so many metres along a great circle."""
    angle, phi = distance / 6_371_008.8, math.radians(lat)
    sine = math.sin(phi) * math.cos(angle) + math.cos(phi) * math.sin(angle) * math.cos(bearing)
    there = math.asin(min(1.0, max(-1.0, sine)))
    turn = math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(phi), math.cos(angle) - math.sin(phi) * math.sin(there)
    )
    return math.degrees(there), (lon + math.degrees(turn) + 540) % 360 - 180


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: encode(91, 0), "between -90 and 90"),
        (lambda: encode(0, math.nan), "finite number"),
        (lambda: encode(0, 0, 13), "1 to 12 letters"),
        (lambda: decode("abc"), "not 'a'"),
        (lambda: decode(""), "1 to 12 letters"),
        (lambda: encode_many([0, math.nan], [0, 0]), "between -90 and 90"),
        (lambda: encode_many([0], [0, 0]), "one longitude"),
        (lambda: decode_many(["u09", "a"]), "Item 1"),
        (lambda: decode_many(["é"]), "small letters only"),
        (lambda: decode_many(["0" * 13]), "Item 0"),
        (lambda: decode_many([1.5]), "not of float64"),  # type: ignore[list-item]  # the point of the test
        (lambda: cover(0, 0, -1, 5), "0 m or more"),
    ],
)
def test_bad_input_is_refused(wrong: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong()


def test_empty_batches_are_empty() -> None:
    assert encode_many([], []).tolist() == []
    assert decode_many([])[0].tolist() == []


def test_importing_the_blocks_imports_neither_numba_nor_numpy() -> None:
    names = "geohash, quadtree, quadtree_linear"
    code = (
        f"import sys; from windtunnel.blocks.space import {names}; assert not {{'numba', 'numpy'}} & {{*sys.modules}}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
