"""Tells everybody what most have taken."""

from __future__ import annotations

from windtunnel.catalogue.ai.two_tower.designs import MostTaken

challenge = "two-tower"


class Yours(MostTaken):
    pass
