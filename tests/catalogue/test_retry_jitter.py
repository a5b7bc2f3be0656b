"""All twenty cells of the source's two charts, by means of a hundred races; its own program gave the numbers beside."""

from __future__ import annotations

import pytest

from windtunnel import run
from windtunnel.catalogue.scale.retry_jitter import experiment

SOURCE = {
    10: {
        "at_once": (50, 377),
        "exponential": (51, 3_515),
        "equal": (43, 723),
        "full": (39, 469),
        "decorrelated": (38, 448),
    },
    50: {
        "at_once": (687, 1_133),
        "exponential": (620, 36_012),
        "equal": (347, 4_159),
        "full": (333, 2_924),
        "decorrelated": (374, 2_175),
    },
    100: {
        "at_once": (2_420, 2_021),
        "exponential": (1_860, 63_637),
        "equal": (811, 6_620),
        "full": (797, 4_924),
        "decorrelated": (999, 4_585),
    },
    190: {
        "at_once": (8_008, 3_540),
        "exponential": (5_174, 101_704),
        "equal": (1_763, 9_524),
        "full": (1_773, 7_474),
        "decorrelated": (2_441, 7_818),
    },
}
"""Writes, and milliseconds until all are done, of so many clients."""


@pytest.mark.soak
@pytest.mark.parametrize("clients", SOURCE)
def test_writes_and_times_of_brookers_clients_are_those_of_his_program(clients: int) -> None:
    found = run(experiment, seeds=100, designs=list(SOURCE[clients]), jobs=1, clients=clients)
    of_race = [one for one in found.runs if one.setting == 0]
    for design, (writes, ms) in SOURCE[clients].items():
        mine = [one.measures for one in of_race if one.design == design]
        assert len(mine) == 100
        within = 0.15 if (design, clients) == ("exponential", 10) else 0.06
        assert sum(one["calls"] for one in mine) / 100 == pytest.approx(writes, rel=0.03), design
        assert sum(one["time_ms"] for one in mine) / 100 == pytest.approx(ms, rel=within), design
