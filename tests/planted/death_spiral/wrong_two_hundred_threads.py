"""A limit is a limit: two hundred threads."""

from __future__ import annotations

from windtunnel.catalogue.scale.death_spiral import ManyThreads

challenge = "death-spiral"


class Yours(ManyThreads):
    pass
