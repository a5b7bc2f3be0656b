"""A twentieth of the requests may be asked again."""

from __future__ import annotations

from windtunnel.catalogue.scale.metastable_map import RetryBudget

challenge = "metastable-map"


class Yours(RetryBudget):
    retry_budget = 0.05
