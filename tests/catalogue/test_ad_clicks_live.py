"""Processes that really die by `kill -9` before each thing that they do, on a file of SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import os
from fractions import Fraction
from pathlib import Path

import pytest

from helpers.clicks_process import found_in
from helpers.real_engines import MISSING, REAL
from windtunnel.catalogue.interview.q11_ad_clicks.claims import TWICE
from windtunnel.lab.discovery import find
from windtunnel.lab.run import run

PLACES = {"update_counter": 28, "insert_each": 22, "one_transaction": 26, "corrected": 31}
"""As many as in the model, where the server and the job are two."""


@pytest.mark.live
@pytest.mark.skipif(os.name != "posix", reason="a real process is killed by the signals of Unix")
@pytest.mark.parametrize("engine", REAL)
@pytest.mark.parametrize("design", PLACES)
def test_a_process_that_is_killed_at_every_place_bills_what_the_model_says(
    engine: str, design: str, tmp_path: Path
) -> None:
    found = asyncio.run(found_in(engine, design, tmp_path))
    plain, killed = found[-1], [one for one in found if one.hit]
    assert not plain.hit
    assert len(killed) == PLACES[design]
    moved = Fraction(sum(one.off != plain.off for one in killed), len(killed))
    if design == "update_counter":
        assert moved == Fraction(TWICE).limit_denominator(100)
    else:
        assert [one.stream.places for one in found if one.off] == []


SAME = ("killed", "stood", "moved", "moved_beside", "wrong", "over", "short", "unheard")


@pytest.mark.live
@pytest.mark.skipif(MISSING["postgres"] is not None, reason=str(MISSING["postgres"]))
@pytest.mark.parametrize("design", find("q11-ad-clicks").designs)
def test_postgres_and_valkey_have_the_verdicts_of_the_model(design: str) -> None:
    if design == "cache_counters" and MISSING["valkey"] is not None:
        pytest.skip(str(MISSING["valkey"]))
    asked = {"places": 40, "stands": 12, "clicks": 60, "rush": 16}
    there, here = (
        run(find("q11-ad-clicks"), stage, designs=[design], seeds=[0], jobs=1, **asked).of(design)[0].measures  # type: ignore[arg-type]
        for stage in ("postgres", "sim")
    )
    assert {name: there[name] for name in SAME} == {name: here[name] for name in SAME}
