"""The stampede is one on a real Valkey, too, where computing is a process that burns this machine's processor."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.live import real
from windtunnel.engines.registry import engines
from windtunnel.lab.discovery import find
from windtunnel.lab.run import run

MISSING = {one.name: one.missing for one in engines()}["valkey"]
FEW_CYCLES = 3
"""What takes twenty is three quarters of a minute in which hardly anything happens."""
ONE_WORKER = {"workers": 1, "others_per_s": 5.0, "token_s": 10.0}


@pytest.mark.live
@pytest.mark.alone
@pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
def test_every_claim_has_the_verdict_of_the_model() -> None:
    whole = find("cache-stampede")
    claims = [claim for claim in whole.claims if claim.given.get("cycles", 0) <= FEW_CYCLES]
    experiment = replace(whole, claims=claims, figures=(), why=(), asks=(), module=whole.module)
    model, found = run(experiment, seeds=[0], **ONE_WORKER), real(experiment, "valkey", **ONE_WORKER)
    verdicts = {claim.expression + str(claim.given): claim.verdict for claim in model.claims}
    told = {claim.expression + str(claim.given): claim.verdict for claim in found.claims if claim.verdict != "skipped"}
    assert len(told) >= 10
    wrong = [(claim.expression, claim.shown) for claim in found.claims if claim.verdict not in ("holds", "skipped")]
    assert not wrong, wrong
    assert all(verdicts[claim] in (verdict, "skipped") for claim, verdict in told.items())
    plain, ahead = (found.of(design)[0].measures for design in ("plain", "ahead"))
    assert plain["each"] > 5 * ahead["each"]
