"""The map says of every search what was run: also where all is well, and where nothing is."""

from __future__ import annotations

import pytest

from windtunnel.lab.discovery import find
from windtunnel.lab.params import make, settings
from windtunnel.lab.running.work import drive, measured, workload

MAP = find("metastable-map")


@pytest.mark.parametrize(
    ("design", "capacity", "longest_s"),
    [("three_retries", 10.0, 0.0), ("no_retries", 100.0, 2.0)],
    ids=["nothing is survived", "all is survived"],
)
def test_an_edge_at_a_bound_of_the_search_is_told_as_what_was_run(
    design: str, capacity: float, longest_s: float
) -> None:
    params = make(MAP.params, settings(MAP.params, {"capacity": capacity, "run_s": 60.0}))
    ops = [op for op in workload(MAP, params, 0) if op.name == "edge"]
    history = drive(MAP, "sim", design, 0, params, ops, (), watched=True)
    found = measured(MAP, history, params)
    assert found["survives_at_90_s"] == longest_s
    assert found["unfounded"] == 0
