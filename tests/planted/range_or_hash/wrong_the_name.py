"""Keeps records in the order of names, and an author in one piece, however much he writes."""

from __future__ import annotations

from windtunnel.catalogue.scale.range_or_hash.designs import OnName

challenge = "range-or-hash"


class Yours(OnName):
    pass
