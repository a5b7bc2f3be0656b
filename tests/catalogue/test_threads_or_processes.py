"""What `threads-or-processes` measures beside its designs."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

import pytest

from windtunnel.catalogue.concurrency.threads_or_processes import in_interpreters
from windtunnel.catalogue.concurrency.threads_or_processes.designs import Threads
from windtunnel.catalogue.concurrency.threads_or_processes.machine import granted, measurable
from windtunnel.catalogue.concurrency.threads_or_processes.pieces import beside
from windtunnel.catalogue.concurrency.threads_or_processes.worker import Worker
from windtunnel.lab.statistics import NotMeasurable


def test_interpreters_of_one_process_are_measured_where_they_have_a_lock_each() -> None:
    found = Worker(workers=2, work_s=0.02, design=Threads()).heard("interpreters")
    measured = in_interpreters([found, found], 0.02)
    if sys.version_info < (3, 12):
        assert found is None
        speed_up = measured["speed_up_interpreters"]
        assert isinstance(speed_up, NotMeasurable)
        assert "share a lock" in speed_up.why
    else:
        assert found["cpu_s"] > 0.02
        assert measured["start_interpreter_ms"] > 0


def test_a_round_of_interpreters_beside_others_is_no_speed_up() -> None:
    beside = {"wall_s": 0.1, "cpu_s": 0.1, "others": 60.0, "start_s": 0.01}
    assert math.isnan(in_interpreters([beside], 0.1)["speed_up_interpreters"])


def test_a_group_has_what_the_least_around_it_is_granted(tmp_path: Path) -> None:
    own = tmp_path / "own"
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    assert granted(tmp_path, own) == math.inf
    own.write_text("3:cpu:/else\n0::/outer/inner\n")
    assert granted(tmp_path, own) == math.inf
    (tmp_path / "outer" / "inner" / "cpu.max").write_text("max 100000\n")
    assert granted(tmp_path, own) == math.inf
    (tmp_path / "outer" / "cpu.max").write_text("150000 100000\n")
    assert granted(tmp_path, own) == 1.5


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="nothing here is bound to a processor")
def test_where_one_processor_is_all_that_we_may_use_there_is_no_speed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1})
    monkeypatch.setattr(
        "windtunnel.catalogue.concurrency.threads_or_processes.machine.granted", lambda *where: math.inf
    )
    assert measurable(1.9, 0.0, 1.0) == 1.9
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0})
    assert math.isnan(measurable(1.0, 0.0, 1.0))


def test_what_goes_to_anything_but_the_pieces_is_told() -> None:
    pieces = [(1, 0, 50, 40_000_000, 7), (1, 0, 50, 60_000_000, 8)]
    assert beside({"pieces": pieces, "cpu_s": 0.15}) == pytest.approx(0.5)
    assert beside({"pieces": [(0, 0, 0, 0, 0)], "cpu_s": 0.15}) == 0.0
