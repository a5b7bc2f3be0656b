"""The chain as real processes: the same verdicts as the model's, 64 attempts at the last process, and nothing left."""

from __future__ import annotations

import sys

import pytest

from helpers.left import Place
from helpers.live import assert_ctrl_c_leaves_nothing, both
from windtunnel.catalogue.scale.timeout_cascade.judging import BACK, STAYS, STORM

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(sys.platform != "linux", reason="real processes; looks into /proc"),
]
ONE_LAYER = "max(nearest_only.attempts_each, outermost_only.attempts_each) == params.attempts"


def test_real_processes_give_the_verdicts_of_the_model() -> None:
    model, real = both("timeout-cascade", (STAYS, BACK, STORM, ONE_LAYER))
    assert [claim.verdict for claim in real.claims] == [claim.verdict for claim in model.claims] == ["holds"] * 5, [
        (claim.expression, claim.shown) for claim in real.claims
    ]


def test_ctrl_c_leaves_no_process_socket_or_file_of_the_chain(place: Place) -> None:
    # Three layers and the database listen.
    assert_ctrl_c_leaves_nothing(place, "timeout-cascade", "outermost_only", 4)
