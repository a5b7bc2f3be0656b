"""The server begins no job that could not be done by twice its time before the deadline."""

from __future__ import annotations

from windtunnel.catalogue.scale.metastable_failure import DeadlineDrop

challenge = "metastable-failure"


class Yours(DeadlineDrop):
    def deadline(self) -> float:
        return super().deadline() - 2 / self.p.capacity
