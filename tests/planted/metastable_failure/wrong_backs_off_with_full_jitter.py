"""Clients wait exponentially longer before each retry, with full jitter, and make as many."""

from __future__ import annotations

from windtunnel.catalogue.scale.metastable_failure import BackoffJitter

challenge = "metastable-failure"


class Yours(BackoffJitter):
    pass
