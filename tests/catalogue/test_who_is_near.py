"""quadtree: places are where the sphere has them, and the box that holds a circle holds it wherever it is."""

from __future__ import annotations

from math import pi
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings, strategies as st

from windtunnel import Stage
from windtunnel.blocks.space import decode, distance_m, encode
from windtunnel.catalogue.scale.quadtree.designs import (
    FittedCells,
    Neighbours,
    OwnCell,
    RoundBox,
    Scan,
    cell_height,
    cell_width,
)
from windtunnel.catalogue.scale.quadtree.world import moved, somewhere

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
