"""Weights between items by which histories tell themselves best."""

from __future__ import annotations

from windtunnel.catalogue.ai.two_tower.designs import InClosedForm

challenge = "two-tower"


class Yours(InClosedForm):
    pass
