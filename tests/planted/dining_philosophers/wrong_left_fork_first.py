"""Everybody takes the left fork first, and waits for the right one as long as it takes."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.dining_philosophers import LeftFirst

challenge = "dining-philosophers"


class Yours(LeftFirst):
    pass
