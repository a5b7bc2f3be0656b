"""What is late is copied, and whoever is done first has the other broken off, also on the server."""

from __future__ import annotations

from windtunnel.catalogue.scale.tail_at_scale import HedgeCancel

challenge = "tail-at-scale"


class Yours(HedgeCancel):
    pass
