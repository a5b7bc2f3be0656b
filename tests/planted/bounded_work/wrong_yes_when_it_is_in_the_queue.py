"""A bounded queue that refuses, and yes to who is in it: a process that ends empties it first."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.bounded_work import Refusing

challenge = "bounded-work"


class Yours(Refusing):
    pass
