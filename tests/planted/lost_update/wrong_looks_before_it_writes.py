"""Writes only where the value is what it was, which a look right before the write makes sure of."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.lost_update import LooksAgain

challenge = "lost-update"


class Yours(LooksAgain):
    pass
