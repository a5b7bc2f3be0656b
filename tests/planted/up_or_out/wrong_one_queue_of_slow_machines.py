"""One queue in front of eight slow machines: a lone request has an eighth of the speed."""

from __future__ import annotations

from windtunnel.catalogue.scale.up_or_out import SharedQueue

challenge = "up-or-out"


class Yours(SharedQueue):
    pass
