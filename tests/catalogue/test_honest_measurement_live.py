"""The measuring error is one of real clients and a real server: a process that is really stopped, and goes on."""

from __future__ import annotations

import os

import pytest

from windtunnel.lab.discovery import find
from windtunnel.lab.run import run

SHORT = {"rate": 100, "connections": 4, "workers": 4, "service_ms": 0.5, "duration_s": 15.0, "stall_s": 2.0}


@pytest.mark.live
@pytest.mark.skipif(os.name != "posix", reason="a real server is stopped by the signals of Unix")
def test_real_clients_of_a_process_that_is_stopped_lie_as_those_of_the_model_do() -> None:
    experiment = find("honest-measurement")
    real = run(experiment, stage="machine", seeds=[0], **SHORT)
    assert not [claim.expression for claim in real.claims if claim.verdict == "fails"]
    assert sum(claim.verdict == "holds" for claim in real.claims) >= 5
    naive, best = (real.of(design)[0].measures for design in ("closed_loop", "from_the_due_time"))
    # 200 requests are due while it stands still, and four are sent; a busy machine answers others late.
    assert naive["not_sent"] >= 190
    assert best["noted"] == best["ops"] == 1500
    assert best["p99_ms"] > 1500
