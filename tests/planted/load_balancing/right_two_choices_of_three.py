"""Three looks for two: a little better with fresh news, a little worse with old."""

from __future__ import annotations

from windtunnel.catalogue.scale.load_balancing import Balanced
from windtunnel.parts import Balancer
from windtunnel.sim import Departure

challenge = "load-balancing"


class Yours(Balanced):
    def law(self, own: list[int]) -> Balancer | None:  # type: ignore[override]
        return None

    def handle(self, work: float) -> Departure:
        looks = self.random.sample(range(self.n), 3)
        return self.servers[min(looks, key=self.queue)].submit(work)
