"""Whoever comes is let in, and taken out when nobody waits any more."""

from __future__ import annotations

from windtunnel.catalogue.scale.death_spiral import Cancelled

challenge = "death-spiral"


class Yours(Cancelled):
    pass
