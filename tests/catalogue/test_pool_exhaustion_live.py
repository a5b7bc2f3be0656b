"""Connections are taken on a real PostgreSQL as in the model: a provider that is stopped, and a row that is locked."""

from __future__ import annotations

import os

import pytest

from helpers.live import real
from helpers.real_engines import MISSING
from windtunnel.lab.discovery import find
from windtunnel.lab.run import run


@pytest.mark.live
@pytest.mark.alone
@pytest.mark.skipif(os.name != "posix", reason="a real server is stopped by the signals of Unix")
@pytest.mark.skipif(MISSING["postgres"] is not None, reason=str(MISSING["postgres"]))
def test_every_claim_has_the_verdict_of_the_model_on_a_real_server() -> None:
    experiment = find("pool-exhaustion")
    model = run(experiment, seeds=[0], quick=True)
    found = real(experiment, "postgres", at_once=3, quick=True)
    asked = {c.expression: c.verdict for c in found.claims if c.verdict != "skipped"}
    assert sum(verdict == "holds" for verdict in asked.values()) >= 6
    assert asked == {c.expression: c.verdict for c in model.claims if c.expression in asked}
    # Two sessions wait with a row locked; a leak takes every connection, and the end of the process gives them back.
    (leaky,) = found.of("leaky")
    assert leaky.measures["after"] == 0
    assert found.of("all_three")[0].measures["untraced"] == 0
