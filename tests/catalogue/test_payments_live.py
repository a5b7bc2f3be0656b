"""Servers that really die by `kill -9` before each thing that they do, on a file of SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import os
from fractions import Fraction
from pathlib import Path

import pytest

from helpers.payments_process import found_in
from helpers.real_engines import REAL
from windtunnel.catalogue.interview.q15_payments.claims import CHECKED, DOUBLE

PLACES = {
    "retry_on_timeout": 8,
    "check_then_insert": 10,
    "passed_on": 10,
    "recovery_points": 13,
    "ledger_outbox": 17,
    "reconciled": 25,
}
TWICE = {"retry_on_timeout": DOUBLE, "check_then_insert": CHECKED}


@pytest.mark.live
@pytest.mark.skipif(os.name != "posix", reason="a real process is killed by the signals of Unix")
@pytest.mark.parametrize("engine", REAL)
@pytest.mark.parametrize("design", PLACES)
def test_a_server_that_is_killed_at_every_place_charges_twice_what_the_model_says(
    engine: str, design: str, tmp_path: Path
) -> None:
    found = asyncio.run(found_in(engine, design, tmp_path))
    killed = [one for one in found if one.hit]
    assert len(killed) == PLACES[design]
    assert not found[-1].hit
    double = Fraction(sum(one.double for one in killed), len(killed))
    assert double == Fraction(TWICE.get(design, 0)).limit_denominator(100)
    if design not in TWICE:
        assert [one.episode.trouble.place for one in found if one.broken or one.gross] == []
