"""The method is a coroutine, so whatever it calls lets others go on."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.event_loop.designs import Blocking

challenge = "event-loop"


class Yours(Blocking):
    pass
