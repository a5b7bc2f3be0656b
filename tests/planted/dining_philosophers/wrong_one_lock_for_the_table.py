"""One lock for the whole table: nobody is stuck, and one eats where two could."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.dining_philosophers import OneLock

challenge = "dining-philosophers"


class Yours(OneLock):
    pass
