"""A semaphore lets four at a time work, so the work is bounded."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.bounded_work import FewAtOnce

challenge = "bounded-work"


class Yours(FewAtOnce):
    pass
