"""Keys, and where somebody else is at it, no: better than one too many."""

from __future__ import annotations

from collections import Counter

from windtunnel import Stage
from windtunnel.catalogue.scale.isolation_levels import Constraint, Params

challenge = "isolation-levels"


class Yours(Constraint):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.inside: Counter[int] = Counter()

    async def off(self, shift: int, doctor: int, decide_s: float) -> bool:
        self.inside[shift] += 1
        try:
            found = await self.again("off", lambda t: self.on_call(t, shift))
            if self.inside[shift] > 1 or found < 2:
                return False
            return await super().off(shift, doctor, decide_s)
        finally:
            self.inside[shift] -= 1
