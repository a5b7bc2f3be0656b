"""One short trigger is run for each load and taken for all lengths."""

from __future__ import annotations

from windtunnel.catalogue.scale.metastable_map import RetryBudget

challenge = "metastable-map"


class Yours(RetryBudget):
    def fate(self, load_per_s: float, trigger_s: float, seed: int) -> bool:
        return super().fate(load_per_s, 0.2, seed)
