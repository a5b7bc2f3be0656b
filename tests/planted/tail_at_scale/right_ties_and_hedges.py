"""Where a call has to queue a copy queues elsewhere, and what is late all the same is copied."""

from __future__ import annotations

from windtunnel.catalogue.scale.tail_at_scale import TiedHedge

challenge = "tail-at-scale"


class Yours(TiedHedge):
    pass
