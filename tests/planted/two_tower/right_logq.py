"""Two towers, and logQ taken from the logits while training."""

from __future__ import annotations

from windtunnel.catalogue.ai.two_tower.designs import LogQ

challenge = "two-tower"


class Yours(LogQ):
    mixed = True
