"""Ties find the shorter queue, and do nothing for a call that is slow once it was begun."""

from __future__ import annotations

from windtunnel.catalogue.scale.tail_at_scale import Tied

challenge = "tail-at-scale"


class Yours(Tied):
    pass
