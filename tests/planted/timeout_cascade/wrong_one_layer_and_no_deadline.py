"""One layer alone asks again, and the database still works for whoever has gone."""

from __future__ import annotations

from windtunnel.catalogue.scale.timeout_cascade import OuterShorter

challenge = "timeout-cascade"


class Yours(OuterShorter):
    def limit_s(self, layer: int) -> float:
        return self.p.limit_s

    def attempts(self, layer: int) -> int:
        return self.p.attempts if layer == 1 else 1
