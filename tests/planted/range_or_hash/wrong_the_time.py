"""Keeps records in the order in which they are written."""

from __future__ import annotations

from windtunnel.catalogue.scale.range_or_hash.designs import OnTime

challenge = "range-or-hash"


class Yours(OnTime):
    pass
