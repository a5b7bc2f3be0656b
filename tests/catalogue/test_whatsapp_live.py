"""Gateways that really die by `kill -9`, thirty times, in front of phones of the `websockets` library."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from helpers.chat_process import held_kib, judged
from helpers.real_engines import REAL
from windtunnel.catalogue.interview.q04_whatsapp.claims import KEPT

KILLS = 30
pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.name != "posix", reason="a real process is killed by the signals of Unix"),
]


@pytest.mark.parametrize("engine", REAL)
@pytest.mark.parametrize("design", KEPT)
def test_gateways_that_are_killed_thirty_times_lose_and_double_nothing(
    engine: str, design: str, tmp_path: Path
) -> None:
    found = asyncio.run(judged(engine, design, tmp_path, KILLS))
    assert found["kills"] >= KILLS
    assert found["sent"] == found["typed"] > KILLS
    assert (found["lost"], found["twice"], found["disorder"], found["strange"], found["findings"]) == (0, 0, 0, 0, 0)


def test_what_nobody_keeps_is_lost_when_a_process_really_dies(tmp_path: Path) -> None:
    found = asyncio.run(judged("sqlite", "push", tmp_path, KILLS))
    assert found["lost"] == found["findings"] > 0


def test_what_a_gateway_names_is_doubled_when_a_process_really_dies(tmp_path: Path) -> None:
    found = asyncio.run(judged("sqlite", "without_ids", tmp_path, KILLS))
    assert found["twice"] == found["findings"] > 0
    assert found["lost"] == 0


LINES = 2000


@pytest.mark.parametrize("design", ["long_poll", "store_and_forward"])
def test_a_gateway_holds_two_thousand_phones_of_the_real_library(design: str, tmp_path: Path) -> None:
    psutil = pytest.importorskip("psutil")
    found = asyncio.run(held_kib(design, tmp_path, LINES, psutil.Process))
    print(f"{design}: {found:.1f} KiB for each of {LINES} connections")
    assert 2 < found < 100
