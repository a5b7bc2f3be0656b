"""A value for each thread, added up by who wants the total."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.lost_update import Sharded

challenge = "lost-update"


class Yours(Sharded):
    pass
