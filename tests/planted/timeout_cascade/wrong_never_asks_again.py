"""Retries are dangerous, so nobody makes any: what gets lost once is lost."""

from __future__ import annotations

from windtunnel.catalogue.scale.timeout_cascade import DeadlinePassed

challenge = "timeout-cascade"


class Yours(DeadlinePassed):
    def attempts(self, layer: int) -> int:
        return 1
