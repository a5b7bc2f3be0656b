"""The interval is the reason of the waits, so it is made shorter."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.gil_convoy.designs import ShortInterval

challenge = "gil-convoy"


class Yours(ShortInterval):
    pass
