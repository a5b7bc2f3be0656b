"""A bounded queue, and who finds it full awaits put: the queue cannot grow any more."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.bounded_work import BackPressure

challenge = "bounded-work"


class Yours(BackPressure):
    pass
