"""Who has failed is not asked again: a circuit that sleeps for an hour, and nobody to close it."""

from __future__ import annotations

from windtunnel.blocks.resilience import CircuitBreaker
from windtunnel.catalogue.scale.circuit_breaker import BreakersAndLimits

challenge = "circuit-breaker"


class Yours(BreakersAndLimits):
    def breaker(self) -> CircuitBreaker:
        return CircuitBreaker(error_rate=self.p.threshold, sleep_window_s=3600.0)
