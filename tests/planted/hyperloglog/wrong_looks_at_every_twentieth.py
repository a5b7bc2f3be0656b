"""Looks at one visit in twenty, and takes visits for visitors."""

from __future__ import annotations

from windtunnel.catalogue.scale.hyperloglog.designs import SampleOfVisits

challenge = "hyperloglog"


class Yours(SampleOfVisits):
    pass
