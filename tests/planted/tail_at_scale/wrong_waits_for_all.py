"""Every server is fast enough by its median, so the request waits for all of them."""

from __future__ import annotations

from windtunnel.catalogue.scale.tail_at_scale import Wait

challenge = "tail-at-scale"


class Yours(Wait):
    pass
