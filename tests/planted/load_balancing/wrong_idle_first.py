"""An idle server if the report shows one, else the better of two: with old news a herd runs to the idle."""

from __future__ import annotations

from windtunnel.catalogue.scale.load_balancing import Balanced
from windtunnel.parts import Balancer
from windtunnel.sim import Departure

challenge = "load-balancing"


class Yours(Balanced):
    def law(self, own: list[int]) -> Balancer | None:  # type: ignore[override]
        return None

    def handle(self, work: float) -> Departure:
        idle = [i for i in range(self.n) if self.queue(i) == 0]
        looks = [self.random.choice(idle)] if idle else self.random.sample(range(self.n), 2)
        return self.servers[min(looks, key=self.queue)].submit(work)
