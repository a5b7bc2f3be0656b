"""Servers that really die by `kill -9` at each of their places while they sell, on a file of SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from helpers.real_engines import MISSING, REAL
from helpers.tickets_process import PROCESS_KINDS, measured
from windtunnel.catalogue.interview.q10_ticketmaster.claims import AGAIN, NUMBER, TORN

PLACES = {
    "look_then_write": 5,
    "serializable": 6,
    "version_column": 6,
    "row_lock": 6,
    "conditional_update": 5,
    "insert_first": 5,
    "cache_script": 4,
    "unique_number": 4,
    "hold_then_pay": 9,
}
SHARES = {"look_then_write": (AGAIN, TORN), "cache_script": (0.0, NUMBER), "unique_number": (0.0, NUMBER)}


@pytest.mark.live
@pytest.mark.skipif(os.name != "posix", reason="a real process is killed by the signals of Unix")
@pytest.mark.parametrize("engine", REAL)
@pytest.mark.parametrize("design", PLACES)
def test_a_server_that_is_killed_at_every_place_loses_the_tickets_that_the_model_says(
    engine: str, design: str, tmp_path: Path
) -> None:
    if design in ("cache_script", "unique_number") and MISSING["valkey"] is not None:
        pytest.skip(str(MISSING["valkey"]))
    found = asyncio.run(measured(engine, design, tmp_path))
    assert found["killed"] == len(PROCESS_KINDS) * PLACES[design]
    again, gone = SHARES.get(design, (0.0, 0.0))
    assert (found["again"], found["gone"]) == (pytest.approx(again), pytest.approx(gone))
    assert found["doubled"] == 0
    if design not in SHARES:
        assert found["wrong"] == 0
