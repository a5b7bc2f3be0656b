"""The line C / w is computed, and no cell is run."""

from __future__ import annotations

from windtunnel.catalogue.scale.metastable_map import RetryBudget

challenge = "metastable-map"


class Yours(RetryBudget):
    def fate(self, load_per_s: float, trigger_s: float, seed: int) -> bool:
        return load_per_s * 1.1 < self.p.capacity
