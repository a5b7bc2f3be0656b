"""Clients ask three times again where the trigger will be short, and never where it will be long."""

from __future__ import annotations

from windtunnel.catalogue.scale.metastable_map import ThreeRetries
from windtunnel.sim.compiled import Storm

challenge = "metastable-map"


class Yours(ThreeRetries):
    def storm(self, load_per_s: float, trigger_s: float, seed: int, peak_per_s: float | None = None) -> Storm:
        self.retries = 3 if trigger_s < 0.2 else 0
        return super().storm(load_per_s, trigger_s, seed, peak_per_s)
