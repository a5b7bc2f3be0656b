"""The deadline is passed on, and every layer asks again until then: what fails soon fails sixty-four times."""

from __future__ import annotations

from windtunnel.catalogue.scale.timeout_cascade import DeadlinePassed

challenge = "timeout-cascade"


class Yours(DeadlinePassed):
    pass
