"""The first of the shortest queues: with old news everybody runs there."""

from __future__ import annotations

from windtunnel.catalogue.scale.load_balancing import LeastConnections

challenge = "load-balancing"


class Yours(LeastConnections):
    def queue(self, i: int) -> int:
        return min(super().queue(i), 100)
