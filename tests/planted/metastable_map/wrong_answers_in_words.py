"""Each cell is a word, and every word is true."""

from __future__ import annotations

from windtunnel.catalogue.scale.metastable_map import RetryBudget

challenge = "metastable-map"


class Yours(RetryBudget):
    def fate(self, load_per_s: float, trigger_s: float, seed: int) -> str:  # type: ignore[override]
        return str(super().fate(load_per_s, trigger_s, seed))
