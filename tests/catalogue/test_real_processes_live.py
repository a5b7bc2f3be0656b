"""Experiments whose servers are processes on this machine: the verdicts of the model, and nothing is left behind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from helpers.left import Place
from helpers.live import assert_ctrl_c_leaves_nothing, both, never
from windtunnel.catalogue.scale.circuit_breaker.judging import MADE_TOTAL, NEAR, WORSE
from windtunnel.catalogue.scale.sinkhole.judging import HOLE
from windtunnel.catalogue.scale.timeout_cascade.judging import BACK, STAYS, STORM
from windtunnel.lab.running.work import Job

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(sys.platform != "linux", reason="the kernel paces what real servers send; /proc"),
]


AT_ONCE = 3
"""Designs side by side: their servers wait for links that the kernel paces, and take little of the processor."""


@dataclass(frozen=True)
class Case:
    """What is tried of one experiment.

    Attributes:
        claims: that hold in the tunnel and on real processes.
        judged: how many of its claims have one of these expressions: each may be made in several settings.
        designs: which; all where empty.
        stopped, given: the design that Ctrl-C stops, with these parameters.
        listening: how many sockets listen then.
        below: measurements of the real run that are below a number.
        alone: whether a run has the machine to itself.
    """

    claims: Sequence[str]
    judged: int
    stopped: str
    listening: int
    designs: Sequence[str] = ()
    given: Mapping[str, float] = field(default_factory=dict)
    below: Mapping[tuple[str, str], float] = field(default_factory=dict)
    alone: Callable[[Job], bool] = never


CASES = {
    "sinkhole": Case(
        (HOLE, "ejection_floor.lost > 0.8 * least_connections.lost"),
        2,
        "least_connections",
        8,  # each of four servers, for orders and for requests
        ("least_connections", "ejection_floor", "failures_as_load"),
        {"servers": 4},
        {("failures_as_load", "lost"): 0.1},
    ),
    "timeout-cascade": Case(
        (STAYS, BACK, STORM, "max(nearest_only.attempts_each, outermost_only.attempts_each) == params.attempts"),
        5,
        "outermost_only",
        4,  # three layers, and the database
        alone=lambda job: not job.params["bad"],  # attempts multiply, and would bring others down
    ),
    "circuit-breaker": Case(
        (NEAR, MADE_TOTAL, WORSE, "time_limits.good < 0.97 < both.good"),
        4,
        "both",
        6,  # the one dependency and two shards of the other, and a relay before each
        ("time_limits", "pools", "hystrix", "both"),
        {"shards": 2},
    ),
}


ALONE = {"circuit-breaker", "timeout-cascade"}
"""A pool that is full looks like a processor that is busy, and attempts that multiply need all of one."""
ASKED = [pytest.param(name, marks=pytest.mark.alone) if name in ALONE else name for name in CASES]


@pytest.mark.parametrize("name", ASKED)
def test_real_processes_give_the_verdicts_of_the_model(name: str) -> None:
    case = CASES[name]
    model, real = both(name, case.claims, list(case.designs) or None, AT_ONCE, case.alone)
    assert (
        [claim.verdict for claim in real.claims] == [claim.verdict for claim in model.claims] == ["holds"] * case.judged
    ), [(claim.expression, claim.verdict, claim.shown) for claim in real.claims]
    for (design, measured), most in case.below.items():
        assert real.of(design)[0].measures[measured] < most


@pytest.mark.parametrize("name", CASES)
def test_ctrl_c_leaves_no_process_socket_or_file(name: str, place: Place) -> None:
    case = CASES[name]
    assert_ctrl_c_leaves_nothing(place, name, case.stopped, case.listening, **case.given)
