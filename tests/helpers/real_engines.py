"""Which real engines are here, and tests that are run on each database that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from windtunnel.engines.registry import engines

MISSING: Mapping[str, str | None] = {engine.name: engine.missing for engine in engines()}
"""By engine why it is not here, or None."""


def databases(missing: Mapping[str, str | None] = MISSING) -> list[Any]:
    """SQLite and PostgreSQL, as parameters of a test that is skipped, with a word, where one is missing."""
    return [
        pytest.param(stage, marks=pytest.mark.skipif(missing[stage] is not None, reason=str(missing[stage])))
        for stage in ("sqlite", "postgres")
    ]


REAL = databases()
