"""Takes the harmonic mean as it is, where most registers are still zero."""

from __future__ import annotations

from windtunnel.catalogue.scale.hyperloglog.designs import RawHyperLogLog

challenge = "hyperloglog"


class Yours(RawHyperLogLog):
    pass
