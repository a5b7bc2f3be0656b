"""The same, and the hedge comes a fifth later: who is nearly there is left alone."""

from __future__ import annotations

from windtunnel.catalogue.scale.tail_at_scale import TiedHedge

challenge = "tail-at-scale"


class Yours(TiedHedge):
    def delay_s(self) -> float:
        return 1.2 * super().delay_s()
