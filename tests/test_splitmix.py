"""SplitMix64 stands once, and Python, NumPy and Numba read the same numbers out of it."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given, settings, strategies as st
from numba import njit

from helpers.source import ROOT
from windtunnel.blocks.ordered.kernels.skip_list import mixed
from windtunnel.splitmix import GOLDEN, MASK, mix


def test_the_first_numbers_are_those_of_the_reference() -> None:
    """`java.util.SplittableRandom` and Vigna's splitmix64.c with seed 0."""
    states = [GOLDEN * i & MASK for i in (1, 2, 3)]
    assert [mix(state) for state in states] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


@njit
def compiled(z: np.uint64) -> np.uint64:
    return mixed(z)


@given(st.lists(st.integers(0, MASK), min_size=1, max_size=20))
@settings(max_examples=30)
def test_three_readers_read_the_same(states: list[int]) -> None:
    expected = [mix(state) for state in states]
    assert mix(np.array(states, np.uint64)).tolist() == expected
    assert [int(compiled(np.uint64(state))) for state in states] == expected


def test_its_constants_stand_in_one_file() -> None:
    found = [
        path.name
        for path in (ROOT / "src" / "windtunnel").rglob("*.py")
        if re.search("0xBF58476D1CE4E5B9|0x94D049BB133111EB", path.read_text("utf-8"), re.IGNORECASE)
    ]
    assert found == ["splitmix.py"]
