"""It is a matter of policy that the service comes back."""

from __future__ import annotations

from windtunnel.catalogue.scale.metastable_map import NoRetries

challenge = "metastable-map"


class Yours(NoRetries):
    def fate(self, load_per_s: float, trigger_s: float, seed: int) -> bool:
        return True
