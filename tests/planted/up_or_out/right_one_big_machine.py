"""All of the capacity in one machine."""

from __future__ import annotations

from windtunnel.catalogue.scale.up_or_out import OneMachine

challenge = "up-or-out"


class Yours(OneMachine):
    pass
