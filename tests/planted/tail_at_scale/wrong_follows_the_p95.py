"""The p95 of the past keeps the copies few, so nothing else has to limit them or take them back."""

from __future__ import annotations

from windtunnel.catalogue.scale.tail_at_scale import HedgeP95

challenge = "tail-at-scale"


class Yours(HedgeP95):
    pass
