"""What `threads-or-processes` measures beside its designs."""

from __future__ import annotations

import math
import sys

from windtunnel.catalogue.concurrency.threads_or_processes import in_interpreters
from windtunnel.catalogue.concurrency.threads_or_processes.designs import Threads
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
