"""The last seat takes its forks the other way round, so that no circle can close."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.dining_philosophers import Ordered

challenge = "dining-philosophers"


class Yours(Ordered):
    pass
