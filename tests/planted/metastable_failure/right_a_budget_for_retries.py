"""A tenth of the requests may be asked again."""

from __future__ import annotations

from windtunnel.catalogue.scale.metastable_failure import RetryBudget

challenge = "metastable-failure"


class Yours(RetryBudget):
    pass
