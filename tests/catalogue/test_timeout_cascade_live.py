"""The chain as real processes: the same verdicts as the model's, 64 attempts at the last process, and nothing left."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from helpers.left import Found, Place
from windtunnel.catalogue.scale.timeout_cascade.judging import BACK, STAYS, STORM
from windtunnel.lab.discovery import find
from windtunnel.lab.run import run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="real processes; looks into /proc")
ONE_LAYER = "max(nearest_only.attempts_each, outermost_only.attempts_each) == params.attempts"
PROGRAM = """
from windtunnel.lab.discovery import find
from windtunnel.lab.run import run

run(find("timeout-cascade"), stage="machine", seeds=[0], designs=["outermost_only"], jobs=1)
"""


@pytest.fixture
def place() -> Iterator[Place]:
    found = Place()
    try:
        yield found
    finally:
        found.close()


@pytest.mark.live
def test_real_processes_give_the_verdicts_of_the_model() -> None:
    whole = find("timeout-cascade")
    claims = [claim for claim in whole.claims if claim.expression in (STAYS, BACK, STORM, ONE_LAYER)]
    experiment = replace(whole, claims=claims, figures=(), why=(), asks=(), module=whole.module)
    model, real = (run(experiment, stage=stage, seeds=[0], jobs=1) for stage in ("sim", "machine"))
    assert [claim.verdict for claim in real.claims] == [claim.verdict for claim in model.claims] == ["holds"] * 5, [
        (claim.expression, claim.shown) for claim in real.claims
    ]


@pytest.mark.live
def test_ctrl_c_leaves_no_process_socket_or_file_of_the_chain(place: Place) -> None:
    starter = place.launch(PROGRAM)
    while len(place.now().sockets) < 4:  # three layers and the database listen
        assert starter.poll() is None
    starter.send_signal(signal.SIGINT)
    assert place.after() == Found({}, frozenset(), frozenset(), frozenset())
    assert starter.wait() != 0
