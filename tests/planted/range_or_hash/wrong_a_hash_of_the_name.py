"""Hashes the name, as if that could divide what one author writes."""

from __future__ import annotations

from windtunnel.catalogue.scale.range_or_hash.designs import Hashed

challenge = "range-or-hash"


class Yours(Hashed):
    pass
