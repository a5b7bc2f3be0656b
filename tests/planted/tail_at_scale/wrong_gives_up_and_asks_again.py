"""What is late is given up and asked again elsewhere: what was done for it is thrown away."""

from __future__ import annotations

from windtunnel.catalogue.scale.tail_at_scale import RetryLate

challenge = "tail-at-scale"


class Yours(RetryLate):
    pass
