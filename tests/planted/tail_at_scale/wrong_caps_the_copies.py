"""A bucket of a twentieth pays for copies, and pays for whoever comes while there is something in it."""

from __future__ import annotations

from windtunnel.catalogue.scale.tail_at_scale import Capped

challenge = "tail-at-scale"


class Yours(Capped):
    pass
