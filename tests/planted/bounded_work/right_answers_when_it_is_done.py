"""TurnedAway at the door, and told yes by the task that has done the work."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.bounded_work import Structured

challenge = "bounded-work"


class Yours(Structured):
    pass
