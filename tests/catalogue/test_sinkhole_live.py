"""Real servers, one of which fails fast, attract what the model says that they do; and nothing is left of them."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from helpers.left import Found, Place
from windtunnel.catalogue.scale.sinkhole.judging import HOLE
from windtunnel.lab.discovery import find
from windtunnel.lab.run import run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel paces what real servers send; /proc")
CLAIMS = (HOLE, "ejection_floor.lost > 0.8 * least_connections.lost")
PROGRAM = """
from windtunnel.lab.discovery import find
from windtunnel.lab.run import run

run(find("sinkhole"), stage="machine", seeds=[0], designs=["least_connections"], jobs=1, servers=4)
"""


@pytest.fixture
def place() -> Iterator[Place]:
    found = Place()
    try:
        yield found
    finally:
        found.close()


@pytest.mark.live
def test_a_real_server_that_fails_fast_attracts_the_traffic_and_failures_as_load_find_it() -> None:
    whole = find("sinkhole")
    names = ["least_connections", "ejection_floor", "failures_as_load"]
    claims = [claim for claim in whole.claims if claim.expression in CLAIMS]
    experiment = replace(whole, claims=claims, figures=(), why=(), asks=(), module=whole.module)
    model, real = (run(experiment, stage=stage, seeds=[0], designs=names, jobs=1) for stage in ("sim", "machine"))
    assert [claim.verdict for claim in real.claims] == [claim.verdict for claim in model.claims] == ["holds"] * 2, [
        (claim.expression, claim.shown) for claim in real.claims
    ]
    assert real.of("failures_as_load")[0].measures["lost"] < 0.1


@pytest.mark.live
def test_ctrl_c_leaves_no_process_socket_or_file_of_the_servers(place: Place) -> None:
    starter = place.launch(PROGRAM)
    while len(place.now().sockets) < 8:  # each of four servers listens for orders, and for requests
        assert starter.poll() is None
    starter.send_signal(signal.SIGINT)
    assert place.after() == Found({}, frozenset(), frozenset(), frozenset())
    assert starter.wait() != 0
