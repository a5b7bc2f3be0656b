"""Short waits for all alike: three of four critical requests are lost with the others."""

from __future__ import annotations

from windtunnel.catalogue.scale.overload import ShortWait

challenge = "overload"


class Yours(ShortWait):
    pass
