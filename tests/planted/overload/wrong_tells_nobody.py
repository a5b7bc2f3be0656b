"""The newest first, and the rest stays in the queue without a word."""

from __future__ import annotations

from windtunnel.catalogue.scale.overload import NewestFirst

challenge = "overload"


class Yours(NewestFirst):
    pass
