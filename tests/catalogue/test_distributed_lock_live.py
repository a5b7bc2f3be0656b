"""Five real Valkeys that are stopped, killed and started again give the verdicts of the model."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from helpers.live import real
from windtunnel.catalogue.scale.distributed_lock.claims import FAST, REAL
from windtunnel.engines.registry import engines
from windtunnel.lab.discovery import find
from windtunnel.lab.run import run

MISSING = {one.name: one.missing for one in engines()}["valkey"]
SMALL: dict[str, Any] = {"edits": 20, "pages": 4, "work_s": FAST, "lease_s": 10 * FAST, "stop_s": 8 * FAST}


@pytest.mark.live
@pytest.mark.skipif(os.name != "posix", reason="a real server is stopped by the signals of Unix")
@pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
def test_every_claim_has_the_verdict_of_the_model() -> None:
    experiment = find("distributed-lock")
    anywhere = [replace(claim, stages=()) for claim in REAL]
    model = run(
        replace(experiment, claims=anywhere, figures=(), why=(), asks=(), module=experiment.module), seeds=[0], **SMALL
    )
    found = real(experiment, "valkey", at_once=7, **SMALL)
    asked = {c.expression + str(c.given): c.verdict for c in found.claims if c.verdict != "skipped"}
    assert len(asked) == len(REAL)
    assert asked == {c.expression + str(c.given): c.verdict for c in model.claims}
    assert set(asked.values()) == {"holds"}
