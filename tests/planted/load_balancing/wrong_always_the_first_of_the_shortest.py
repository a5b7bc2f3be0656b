"""The first of the shortest queues: with old news everybody runs there."""

from __future__ import annotations

from windtunnel import parts
from windtunnel.catalogue.scale.load_balancing import LeastConnections
from windtunnel.parts import Balancer

challenge = "load-balancing"


class Yours(LeastConnections):
    def law(self, own: list[int]) -> Balancer:
        return parts.LeastConnections(self.n, self.queue)
