"""Who waits too long for the second fork puts the first down and tries again: the work is done twice."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.dining_philosophers import GiveUp

challenge = "dining-philosophers"


class Yours(GiveUp):
    pass
