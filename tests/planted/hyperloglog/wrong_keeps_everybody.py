"""Keeps everybody, so that what is sent grows with who comes."""

from __future__ import annotations

from windtunnel.catalogue.scale.hyperloglog.designs import Exact

challenge = "hyperloglog"


class Yours(Exact):
    pass
