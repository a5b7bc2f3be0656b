"""What is late is copied, and when all are busy everything is late."""

from __future__ import annotations

from windtunnel.catalogue.scale.tail_at_scale import HedgeLate

challenge = "tail-at-scale"


class Yours(HedgeLate):
    pass
