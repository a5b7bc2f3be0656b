"""Real databases and coordinators that really die by `kill -9`, at every place, give what the tunnel gives."""

from __future__ import annotations

import asyncio
import os
from fractions import Fraction
from pathlib import Path

import pytest

from helpers.real_engines import REAL
from helpers.saga_process import found_in
from windtunnel.catalogue.scale.saga.claims import ALL, LEFT, noted
from windtunnel.catalogue.scale.saga.episodes import KINDS, Episode
from windtunnel.catalogue.scale.saga.world import Trouble
from windtunnel.lab.discovery import find
from windtunnel.lab.run import run

EVERY = [
    Episode(number, kind, Trouble(place), stays=False)
    for number, (kind, place) in enumerate((kind, place) for kind in KINDS for place in range(1, 30))
]
DOWN_S = 0.2
RIGHT = ("two_phase", "durable_saga", "money_first")


@pytest.mark.live
@pytest.mark.skipif(os.name != "posix", reason="a real process is killed by the signals of Unix")
@pytest.mark.parametrize("engine", REAL)
@pytest.mark.parametrize("design", ["in_memory", "logged", *RIGHT])
def test_a_coordinator_that_is_killed_at_every_place_tears_what_the_model_says(
    engine: str, design: str, tmp_path: Path
) -> None:
    right = design in RIGHT
    killed, torn, waited_s = asyncio.run(found_in(engine, design, EVERY, tmp_path, twice=right, down_s=DOWN_S))
    share = Fraction(torn, killed)
    if right:
        assert share == 0
        model = run(find("saga"), quick=True, seeds=[0], jobs=1, designs=[design], every=1).of(design)[0].measures
        assert killed == model["killed"]
    elif design == "in_memory":
        assert share == Fraction(LEFT).limit_denominator(1000)
    else:  # what was written survives the death of a process, synced or not: two places of three are left
        assert share == Fraction(sum(n for _, n in map(noted, ALL)) * 2 // 3, sum(n for n, _ in map(noted, ALL)))
    if design == "two_phase":
        assert sum(wait >= DOWN_S for wait in waited_s) >= 20
