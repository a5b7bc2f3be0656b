"""Real servers, one of which fails fast, attract what the model says that they do; and nothing is left of them."""

from __future__ import annotations

import sys

import pytest

from helpers.left import Place
from helpers.live import assert_ctrl_c_leaves_nothing, both
from windtunnel.catalogue.scale.sinkhole.judging import HOLE

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(sys.platform != "linux", reason="the kernel paces what real servers send; /proc"),
]
CLAIMS = (HOLE, "ejection_floor.lost > 0.8 * least_connections.lost")


def test_a_real_server_that_fails_fast_attracts_the_traffic_and_failures_as_load_find_it() -> None:
    model, real = both("sinkhole", CLAIMS, ["least_connections", "ejection_floor", "failures_as_load"])
    assert [claim.verdict for claim in real.claims] == [claim.verdict for claim in model.claims] == ["holds"] * 2, [
        (claim.expression, claim.shown) for claim in real.claims
    ]
    assert real.of("failures_as_load")[0].measures["lost"] < 0.1


def test_ctrl_c_leaves_no_process_socket_or_file_of_the_servers(place: Place) -> None:
    # Each of four servers listens for orders, and for requests.
    assert_ctrl_c_leaves_nothing(place, "sinkhole", "least_connections", 8, servers=4)
