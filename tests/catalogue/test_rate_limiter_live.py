"""A real Valkey that is asked, killed and stopped gives the verdicts of the model."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from helpers.live import real
from windtunnel.catalogue.interview.q01_rate_limiter.claims import SIM
from windtunnel.engines.registry import engines
from windtunnel.lab.discovery import find
from windtunnel.lab.run import run

MISSING = {one.name: one.missing for one in engines()}["valkey"]


@pytest.mark.live
@pytest.mark.skipif(os.name != "posix", reason="a real server is stopped by the signals of Unix")
@pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
def test_every_claim_has_the_verdict_of_the_model() -> None:
    whole = find("q01-rate-limiter")
    claims = [claim for claim in whole.claims if claim.stages != SIM]
    experiment = replace(whole, claims=claims, figures=(), why=(), asks=(), module=whole.module)
    model = run(experiment, seeds=[0], quick=True)
    found = real(experiment, "valkey", at_once=2, quick=True)
    told = {claim.expression + str(claim.given): (claim.verdict, claim.shown) for claim in found.claims}
    assert len(told) == len(claims) >= 15
    assert {one: verdict for one, (verdict, _) in told.items()} == {
        claim.expression + str(claim.given): claim.verdict for claim in model.claims
    }, told
    assert {verdict for verdict, _ in told.values()} == {"holds"}
