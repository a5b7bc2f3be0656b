"""Requests are lost because the queue is too short: it gets two hundred places."""

from __future__ import annotations

from windtunnel.catalogue.scale.overload import BiggerQueue

challenge = "overload"


class Yours(BiggerQueue):
    pass
