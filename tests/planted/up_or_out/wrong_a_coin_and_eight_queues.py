"""A coin chooses the machine, and requests wait beside idle ones."""

from __future__ import annotations

from windtunnel.catalogue.scale.up_or_out import CoinToss

challenge = "up-or-out"


class Yours(CoinToss):
    pass
