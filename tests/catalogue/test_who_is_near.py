"""quadtree: places are where the sphere has them, and the box that holds a circle holds it wherever it is."""

from __future__ import annotations

from hashlib import sha256
from math import pi
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings, strategies as st

from windtunnel import Stage
from windtunnel.blocks.space import EARTH_RADIUS_M, decode, distance_m, encode
from windtunnel.catalogue.scale.quadtree import Params, workload
from windtunnel.catalogue.scale.quadtree.claims import FIGURES, REAL
from windtunnel.catalogue.scale.quadtree.designs import (
    FittedCells,
    Neighbours,
    OwnCell,
    RoundBox,
    Scan,
    cell_height,
    cell_width,
)
from windtunnel.catalogue.scale.quadtree.judging import vectors
from windtunnel.catalogue.scale.quadtree.world import moved, real_cities, somewhere

NOWHERE = cast(Stage, None)


@given(lat=st.floats(-90, 90), lon=st.floats(-180, 180), metres=st.floats(1, 50_000), bearing=st.floats(0, 2 * pi))
@settings(max_examples=100)
def test_one_comes_as_far_as_one_moves(lat: float, lon: float, metres: float, bearing: float) -> None:
    there = moved((lat, lon), metres, bearing)
    assert -90 <= there[0] <= 90
    assert -180 <= there[1] <= 180
    assert distance_m(lat, lon, *there) == pytest.approx(metres, rel=1e-3, abs=0.1)


def found(design: Any, places: list[tuple[float, float]], at: tuple[float, float], radius_m: float) -> set[int]:
    made = design(NOWHERE, SimpleNamespace(letters=6))
    for driver in range(len(places)):
        made.move(driver, 0.0, 0.0)
    for driver, place in enumerate(places):
        made.move(driver, *place)
    return {one for one in made.candidates(*at, radius_m) if distance_m(*at, *places[one]) <= radius_m}


@pytest.mark.parametrize(
    "middle", [(0.0, 0.0), (70.0, 20.0), (0.0, 180.0), (90.0, 0.0), (-90.0, 50.0), (89.99, -180.0)]
)
def test_the_box_of_a_circle_misses_nobody_anywhere(middle: tuple[float, float]) -> None:
    luck = Random(1)
    places = [somewhere(middle, 2000.0, luck) for _ in range(300)]
    for at in (middle, *places[:20]):
        assert found(RoundBox, places, at, 1500.0) == found(Scan, places, at, 1500.0)


@pytest.mark.parametrize(
    ("middle", "radius_m"),
    [((0.0, 0.0), 100.0), ((66.5, 180.0), 3000.0), ((-80.0, 0.0), 700.0), ((89.9, 10.0), 20_000.0)],
)
def test_cells_fitted_to_a_circle_miss_nobody_anywhere(middle: tuple[float, float], radius_m: float) -> None:
    luck = Random(2)
    places = [somewhere(middle, 2 * radius_m, luck) for _ in range(300)]
    for at in (middle, *places[:20]):
        assert found(FittedCells, places, at, radius_m) == found(Scan, places, at, radius_m)


@pytest.mark.parametrize("letters", range(1, 8))
def test_cells_are_as_large_as_the_block_has_them(letters: int) -> None:
    cell = decode(encode(12.3, 45.6, letters))
    assert cell.north - cell.south == pytest.approx(cell_height(letters))
    assert cell.east - cell.west == pytest.approx(cell_width(letters))


def test_across_an_edge_one_is_near_and_in_another_cell() -> None:
    ann, bob = (0.0001, 0.0001), (-0.0001, -0.0001)
    assert found(OwnCell, [bob], ann, 100.0) == set()
    assert found(Neighbours, [bob], ann, 100.0) == {0}
    assert found(RoundBox, [bob], ann, 100.0) == {0}


def test_real_cities_are_those_that_were_read() -> None:
    text = Path(moved.__code__.co_filename).with_name("natural_earth.txt").read_bytes()
    assert sha256(text).hexdigest() == "58b239ee727efd63d227c2afd827255ea377aaa8020b7ddeecfd6b36db2ceab4"
    assert len(set(real_cities())) == 7342
    by_hand = {"Greenwich": (51.48, 0.0), "Suva": (-18.13, 178.44), "Reykjavik": (64.15, -21.95)}
    for name, place in by_hand.items():
        assert min(distance_m(*place, *city) for city in real_cities()) < 10_000, name


def test_who_asks_is_in_another_real_city_than_those_who_drive() -> None:
    p = Params(cities="real", drivers=3000, rides=8, spread_m=500.0)
    operations = list(workload(p, Random(3)))
    driven = operations[0].args[0]
    assert len(set(driven)) == 3000
    assert set(driven) <= set(real_cities())
    others = set(real_cities()) - set(driven)
    for ride in (one for one in operations if one.name == "near"):
        assert min(distance_m(*ride.args, *city) for city in others) < 3000


def test_real_cities_are_a_little_closer_than_even_ones_would_be() -> None:
    """The figure's value, by adding up over a fine grid; and all pairs of cities, where the experiment draws some."""
    import numpy as np

    radius_m, side_m = REAL["radius_m"], pi * EARTH_RADIUS_M * cell_height(3) / 180
    grid = (np.arange(100) + 0.5) / 50 - 1
    east, north = (radius_m * one for one in np.meshgrid(grid, grid))
    inside = east**2 + north**2 <= radius_m**2

    def even(lat: float) -> float:
        wide = side_m * np.cos(np.radians(lat))
        both = np.clip(1 - np.abs(east) / wide, 0, 1) * np.clip(1 - np.abs(north) / side_m, 0, 1)
        return float(both[inside].mean())

    by_degree = [even(lat) for lat in range(91)]
    places = np.array(real_cities())
    cells = np.array([encode(*place, 3) for place in real_cities()])
    points, near, own = vectors(places), np.zeros(len(places)), 0
    for first in range(0, len(points), 500):
        some, others = np.nonzero(points[first : first + 500] @ points.T >= np.cos(radius_m / EARTH_RADIUS_M))
        near[first : first + 500] = np.bincount(some) - 1  # who is nearest is oneself
        own += int((cells[first + some] == cells[others]).sum()) - len(set(some.tolist()))
    expected = (near * np.interp(np.abs(places[:, 0]), range(91), by_degree)).sum() / near.sum()
    assert expected == pytest.approx(FIGURES[-1].source_value, abs=0.001)
    assert own / near.sum() == pytest.approx(0.281, abs=0.001)
