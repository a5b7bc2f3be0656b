"""What blocks is called in a thread of the pool that the loop has anyway."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.event_loop.designs import ToThread

challenge = "event-loop"


class Yours(ToThread):
    pass
