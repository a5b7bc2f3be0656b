"""CPython's own collector as the spiral: the verdicts of the model, what both rules cost, and nothing left."""

from __future__ import annotations

import gc
import sys

import pytest

from helpers.left import Place
from helpers.live import assert_ctrl_c_leaves_nothing, both
from windtunnel.catalogue.scale.death_spiral.collector import Looks, graph
from windtunnel.catalogue.scale.death_spiral.judging import BACK, RULES, SPIRAL

pytestmark = [pytest.mark.live, pytest.mark.skipif(sys.platform != "linux", reason="real processes; looks into /proc")]


@pytest.mark.alone
def test_a_real_collector_spirals_and_a_limit_brings_it_back_as_in_the_model() -> None:
    model, real = both("death-spiral", (SPIRAL, BACK, RULES), ["unbounded", "fixed_limit", "line_outside"])
    verdicts = {claim.expression: claim.verdict for claim in real.claims}
    assert verdicts == {SPIRAL: "holds", BACK: "holds", RULES: "holds"}, [
        (claim.expression, claim.shown) for claim in real.claims
    ]
    assert {claim.expression: claim.verdict for claim in model.claims}[SPIRAL] == "holds"
    spiral, back = (real.of(name)[0].measures for name in ("unbounded", "fixed_limit"))
    assert spiral["pause_ms"] > back["pause_ms"], "a look goes over all that lives"
    assert spiral["looking"] > 0.5 > back["looking"], "the share of the time that the collector takes"


def test_gc_callbacks_say_how_many_looks_there_were_and_how_long_they_took() -> None:
    looks = Looks()
    try:
        for looks.inside in (1, 2, 3):
            kept = [graph(2_000 * looks.inside)]
            gc.collect()
            del kept
    finally:
        gc.callbacks.remove(looks.heard)
    assert looks.count == 3
    assert looks.all_s >= looks.worst_s > 0


def test_ctrl_c_leaves_no_process_socket_or_file_of_the_service(place: Place) -> None:
    assert_ctrl_c_leaves_nothing(place, "death-spiral", "unbounded", 1)
