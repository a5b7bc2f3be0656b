"""Sets a bit for each visitor, in too few bits for all."""

from __future__ import annotations

from windtunnel.catalogue.scale.hyperloglog.designs import LinearCounting

challenge = "hyperloglog"


class Yours(LinearCounting):
    pass
