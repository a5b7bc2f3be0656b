"""The compiled tier of the loop does what the pure one does, to the byte."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.programs import digest
from windtunnel.sim import Simulator
from windtunnel.sim.tier import TIER, native

TESTS = Path(__file__).parents[1]
other = pytest.mark.skipif(native is None, reason="the compiled tier was not built here, or WINDTUNNEL_PURE=1 is set")


def pure(*arguments: str) -> str:
    """What a Python program prints in a process of the pure tier."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "WINDTUNNEL_PURE": "1", "PYTHONPATH": str(TESTS), "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@other
def test_random_programs_do_the_same_on_both_tiers() -> None:
    assert pure("-m", "helpers.programs", "0", "60").split() == [digest(number) for number in range(60)]


@other
@pytest.mark.soak
@pytest.mark.parametrize("first", range(60, 2060, 200))
def test_many_random_programs_do_the_same_on_both_tiers(first: int) -> None:
    there = pure("-m", "helpers.programs", str(first), str(first + 200)).split()
    assert there == [digest(number) for number in range(first, first + 200)]


def test_the_tier_can_be_chosen() -> None:
    assert pure("-c", "from windtunnel.sim.tier import TIER; print(TIER)") == "pure\n"
    assert (TIER == "compiled") is (native is not None)


@other
def test_a_module_of_another_interface_is_not_used() -> None:
    program = "import windtunnel._native as n; n.INTERFACE += 1\nfrom windtunnel.sim.tier import TIER; print(TIER)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "pure\n"


@other
def test_what_is_built_by_hand_says_what_is_missing() -> None:
    sim = Simulator()
    with pytest.raises(TypeError, match="Core"):
        native.Signal(object())
    with pytest.raises(AttributeError, match="no simulator"):
        native.Signal.__new__(native.Signal)._wake()
    with pytest.raises(RuntimeError, match="not made by its class"):
        native.FifoCore.__new__(native.FifoCore).submit(1.0)
    with pytest.raises(RuntimeError, match="not made by its class"):
        native.Core.__new__(native.Core)._turn(1)
    with pytest.raises(IndexError, match="Nothing is ready"):
        sim.ready.popleft()
    with pytest.raises(TypeError, match="A turn is"):
        sim.ready.append(3)  # type: ignore[arg-type]
