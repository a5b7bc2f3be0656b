"""The trigger is thought to take half of the capacity, not nine tenths."""

from __future__ import annotations

from windtunnel.catalogue.scale.metastable_map import RetryBudget
from windtunnel.sim.compiled import RetryStorm, retry_storm

challenge = "metastable-map"


class Yours(RetryBudget):
    def fate(self, load_per_s: float, trigger_s: float, seed: int) -> bool:
        storm = RetryStorm(
            load=load_per_s,
            capacity=self.p.capacity,
            timeout_s=self.p.patience_s,
            retries=3,
            retry_budget=0.1,
            trigger_at_s=5.0,
            trigger_s=trigger_s,
            trigger_loss=0.5,
            seconds=self.p.run_s,
        )
        return retry_storm(storm, seed).recovered()
