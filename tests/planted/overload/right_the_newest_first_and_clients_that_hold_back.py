"""The newest first, the critical before others; who has waited till the deadline is refused; clients hold back."""

from __future__ import annotations

from windtunnel.catalogue.scale.overload import ThrottledClients
from windtunnel.parts import AdaptiveLifo
from windtunnel.sim import Discipline

challenge = "overload"


class Yours(ThrottledClients):
    def standing(self) -> tuple[Discipline, ...]:
        return tuple(AdaptiveLifo(give_up_s=self.p.deadline_s) for _ in range(2))
