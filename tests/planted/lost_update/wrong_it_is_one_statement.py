"""Adding one is a single statement, and nobody comes in between."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.lost_update import Unlocked

challenge = "lost-update"


class Yours(Unlocked):
    pass
