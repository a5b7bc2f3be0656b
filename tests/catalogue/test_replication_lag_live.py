"""A PostgreSQL with two standbys that apply late, stand still, die or take over gives the verdicts of the model."""

from __future__ import annotations

import os

import pytest

from helpers.live import real
from helpers.real_engines import MISSING
from windtunnel.lab.discovery import find
from windtunnel.lab.run import run


@pytest.mark.live
@pytest.mark.skipif(os.name != "posix", reason="a real server is stopped by the signals of Unix")
@pytest.mark.skipif(MISSING["postgres"] is not None, reason=str(MISSING["postgres"]))
def test_every_claim_has_the_verdict_of_the_model_on_a_real_primary_with_two_standbys() -> None:
    experiment = find("replication-lag")
    model = run(experiment, seeds=[0], quick=True)
    found = real(experiment, "postgres", at_once=6, quick=True)
    asked = {c.expression + str(c.given): c.verdict for c in found.claims if c.verdict != "skipped"}
    assert sum(verdict == "holds" for verdict in asked.values()) >= 15
    assert asked == {key: c.verdict for c in model.claims if (key := c.expression + str(c.given)) in asked}
    assert found.of("durable_token")[0].measures["lost"] == 0
